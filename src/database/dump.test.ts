import { afterEach, beforeEach, expect, test } from 'bun:test'
import { describeOnEachDatabase, openTestSqlite, type TestDatabase } from '../../test/helpers/databases.ts'
import { insertAccessToken } from './access-tokens.ts'
import { insertAuditEvents } from './audit.ts'
import { dumpDatabase } from './dump.ts'
import { remember } from './facts.ts'
import { enqueue } from './gc-queue.ts'
import { insertGrant } from './grants.ts'
import { ensureImage } from './images.ts'
import { loadDatabase } from './load.ts'
import { startUse } from './manifest-uses.ts'
import { insertManifest } from './manifests.ts'
import { putOidcUser } from './oidc-users.ts'
import { putRepository } from './repositories.ts'
import { insertSession } from './sessions.ts'
import { tableNames } from './tables.ts'
import { putTag } from './tags.ts'
import { insertUser } from './users.ts'

const about = { version: '1.2.3', now: 1_800_000_000_000 }

async function linesOf(opened: TestDatabase): Promise<string[]> {
  const lines: string[] = []
  await dumpDatabase(opened.db, about, async (line) => void lines.push(line))
  return lines
}

function from(lines: string[]) {
  return async function* () {
    yield* lines
  }
}

/** Something in every table, with bytes and texts that are easily spoiled on the way. */
async function fill({ db }: TestDatabase, images = 3): Promise<void> {
  await putRepository(db.queries, {
    name: 'private',
    format: 'docker',
    type: 'hosted',
    blob_store: 'fast',
    write_policy: 'allow',
    description: 'line one\nline "two" ü',
    managed_by: 'database',
    created_at: 1_700_000_000_000,
  })
  const { id: repositoryId } = await db.queries.selectFrom('repositories').select('id').executeTakeFirstOrThrow()
  for (let n = 0; n < images; n++) {
    await db.transaction(async (tx) => {
      const imageId = await ensureImage(tx, repositoryId, `team/app${n}`, 5)
      const content = Uint8Array.from({ length: 256 }, (_, i) => (i + n) % 256)
      await insertManifest(
        tx,
        {
          image_id: imageId,
          digest: `sha256:${n}`,
          media_type: 'text/plain',
          size: 256,
          artifact_type: null,
          subject: n % 2 ? 'sha256:subject' : null,
          annotations: '{"a":"\\u0000 ü"}',
          created_at: 7,
          content,
        },
        ['sha256:a', 'sha256:b'],
      )
      await startUse(tx, { imageId, digest: `sha256:${n}`, repositoryId }, 6)
      await putTag(tx, imageId, 'latest', `sha256:${n}`, 8)
      await tx
        .insertInto('blob_links')
        .values({ image_id: imageId, digest: 'sha256:a', lease_until: 1, created_at: 1 })
        .execute()
      await enqueue(tx, [{ imageId, store: '', digest: 'sha256:a' }], 99)
    })
  }
  await db.queries
    .insertInto('signing_keys')
    .values({ number: 1, kid: 'k', public_key: '{}', private_key: '{}', created_at: 3 })
    .execute()
  await db.queries
    .insertInto('robots')
    .values({ name: 'robot-ci', description: '', disabled: 0, created_at: 4 })
    .execute()
  await insertAccessToken(db.queries, {
    owner_kind: 'robot',
    owner: 'robot-ci',
    name: 'build',
    hash: 'h',
    limits: '[]',
    expires_at: null,
    created_at: 4,
    last_used_at: 5,
    revoked_at: null,
  })
  await db.queries
    .insertInto('jobs')
    .values({
      kind: 'repository.move',
      object: 'private',
      state: 'waiting',
      parameters: '{"store":"fast"}',
      log: '[]',
      actor_kind: 'user',
      actor: 'admin',
      created_at: 4,
      attempts: 0,
      lease_until: 0,
      cancel_asked: 0,
    })
    .execute()
  const blob = { digest: 'sha256:a', size: 2 ** 50, state: 'live' as const, lease_until: 1, created_at: 1 }
  await db.queries
    .insertInto('blobs')
    .values({ store: 'fast', ...blob })
    .execute()
  await db.queries
    .insertInto('uploads')
    .values({
      id: 'u',
      repository_id: repositoryId,
      image: 'x',
      store: 'fast',
      started_at: 1,
      updated_at: 2,
      holder: null,
      held_until: 0,
    })
    .execute()
  await insertUser(db, { name: 'eve', password_hash: 'x', admin: 1, created_at: 1 })
  await insertGrant(db.queries, {
    subject_kind: 'user',
    subject: 'eve',
    role: 'reader',
    repository: '*',
    images: '["a/**"]',
    managed_by: 'database',
    created_at: 1,
  })
  await remember(db.queries, 'a fact', 'is a fact')
  const session = {
    id: 's',
    source: 'local',
    name: 'eve',
    admin: 0 as const,
    groups: '[]',
    address: '',
    user_agent: '',
    credential: 'local:x',
  }
  await insertSession(db.queries, { ...session, created_at: 1, used_at: 2 })
  const known = { issuer: 'i', subject: 's', name: 'x', admin: 1 as const, groups: '["a"]', mail: null, seen_at: 3 }
  await putOidcUser(db.queries, known)
  const event = { at: 1, action: 'a', result: 'done' as const, actor_kind: 'user' as const, actor: 'eve', address: '' }
  await insertAuditEvents(db.queries, [
    { ...event, repository: '', object: '李', request_id: '', times: 1, detail: null },
  ])
}

describeOnEachDatabase('dump and load', (open) => {
  let source: TestDatabase
  let target: TestDatabase
  const others: TestDatabase[] = []
  beforeEach(async () => {
    source = await open()
    target = await open()
  })
  afterEach(async () => {
    for (const one of [source, target, ...others.splice(0)]) await one.close()
  })

  test('brings back every row of every table', async () => {
    await fill(source)
    const lines = await linesOf(source)
    await loadDatabase(target.db, from(lines))
    expect(await linesOf(target)).toEqual(lines)
    const header = JSON.parse(lines[0]!)
    expect(tableNames.filter((table) => header.counts[table] === 0)).toEqual([])
    expect(header).toMatchObject({ stores: ['fast'], version: '1.2.3', createdAt: '2027-01-15T08:00:00.000Z' })
  })

  test('goes from one kind of database to the other and back', async () => {
    await fill(source)
    const lines = await linesOf(source)
    const sqlite = await openTestSqlite()
    others.push(sqlite)
    await loadDatabase(sqlite.db, from(lines))
    const there = await linesOf(sqlite)
    expect(there).toEqual(lines)
    await loadDatabase(target.db, from(there))
    expect(await linesOf(target)).toEqual(lines)
  })

  test('counts on after the highest id', async () => {
    await fill(source)
    await loadDatabase(target.db, from(await linesOf(source)))
    expect(await insertUser(target.db, { name: 'adam', password_hash: 'x', admin: 0, created_at: 1 })).toBe(true)
    const { id } = await target.db.queries.selectFrom('repositories').select('id').executeTakeFirstOrThrow()
    expect(await ensureImage(target.db.queries, id, 'team/new', 1)).toBe(4)
  })

  test('walks tables of many pages', async () => {
    await fill(source, 60)
    const links = Array.from({ length: 2500 }, (_, n) => ({
      image_id: 1 + (n % 60),
      digest: `sha256:many-${n}`,
      lease_until: 0,
      created_at: n,
    }))
    await source.db.queries.insertInto('blob_links').values(links).execute()
    const lines = await linesOf(source)
    expect(JSON.parse(lines.at(-1)!).counts).toMatchObject({ blob_links: 2560, manifests: 60 })
    await loadDatabase(target.db, from(lines))
    expect(await linesOf(target)).toEqual(lines)
  })

  test('is of one moment while others write', async () => {
    await fill(source)
    const writer = await source.again()
    const { id } = await writer.queries.selectFrom('repositories').select('id').executeTakeFirstOrThrow()
    const lines: string[] = []
    await dumpDatabase(source.db, about, async (line) => {
      lines.push(line)
      // An image and its tag are written between any two lines, and the first image goes away.
      await writer.transaction(async (tx) => {
        const image = await ensureImage(tx, id, `meanwhile/${lines.length}`, 1)
        await putTag(tx, image, 'latest', 'sha256:1', 1)
      })
      await writer.queries.deleteFrom('tags').where('image_id', '=', 1).execute()
    })
    expect(JSON.parse(lines[0]!).counts).toMatchObject({ images: 3, tags: 3 })
    await loadDatabase(target.db, from(lines))
    const images = await target.db.queries.selectFrom('images').select('name').orderBy('name').execute()
    expect(images.map(({ name }) => name)).toEqual(['team/app0', 'team/app1', 'team/app2'])
  })

  test('refuses a database that holds something, unless it shall be replaced', async () => {
    await fill(source)
    const lines = await linesOf(source)
    await insertUser(target.db, { name: 'admin', password_hash: 'x', admin: 1, created_at: 1 })
    const before = await linesOf(target)
    expect(loadDatabase(target.db, from(lines))).rejects.toThrow('is not empty (1 users)')
    await loadDatabase(target.db, from(lines)).catch(() => undefined)
    expect(await linesOf(target)).toEqual(before)
    await loadDatabase(target.db, from(lines), { replace: true })
    expect(await linesOf(target)).toEqual(lines)
  })

  const damages: [string, (lines: string[]) => string[], string][] = [
    ['without its end', (lines) => lines.slice(0, -1), 'its end is missing'],
    ['with a row left out', (lines) => lines.filter((line) => !line.includes('team/app1')), 'checksum'],
    ['with a changed value', (lines) => lines.map((line) => line.replace('team/app1', 'team/app9')), 'checksum'],
    ['with more after its end', (lines) => [...lines, '[1]'], 'something follows'],
    ['with nothing in it', () => [], 'it is empty'],
    ['that is something else', () => ['{"hello":1}'], 'no backup made by'],
    ['that is no JSON', () => ['hello'], 'no JSON'],
    [
      'of newer tables',
      ([header, ...rest]) => [header!.replace(/"schema":"[^"]+"/, '"schema":"9999-future"'), ...rest],
      'restore it with Entrepot 1.2.3',
    ],
    [
      'of a newer form',
      ([header, ...rest]) => [header!.replace('"format":1', '"format":2'), ...rest],
      'use Entrepot 1.2.3',
    ],
  ]
  for (const [what, damage, reason] of damages) {
    test(`changes nothing for a dump ${what}`, async () => {
      await fill(source)
      const lines = damage(await linesOf(source))
      const before = await fill(target).then(() => linesOf(target))
      const loading = loadDatabase(target.db, from(lines), { replace: true })
      expect(loading).rejects.toThrow(reason)
      await loading.catch(() => undefined)
      expect(await linesOf(target)).toEqual(before)
    })
  }
})
