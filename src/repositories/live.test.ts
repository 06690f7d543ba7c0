import { afterEach, beforeEach, expect, test } from 'bun:test'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { openTestRepositories, quiet, testSecrets } from '../../test/helpers/repositories.ts'
import { readRepository } from '../config/repository-form.ts'
import { ensureImage } from '../database/images.ts'
import { listRepositories } from '../database/repositories.ts'
import { openRepositories, watchRepositories } from './live.ts'

const upstream = { url: 'https://registry.example.com', username: 'ci', password: 'hunter2' }
const hub = { name: 'hub', type: 'proxy', upstream }
const group = { name: 'all', type: 'group', members: ['private', 'hub'] }

describeOnEachDatabase('repositories of the file and of the database', (open) => {
  let opened: TestDatabase
  beforeEach(async () => {
    opened = await open()
  })
  afterEach(() => opened.close())

  const start = (...forms: Parameters<typeof openTestRepositories>[1]) =>
    openTestRepositories(opened.db, [{ name: 'private' }, ...forms], 'private')

  test('what the file declares no longer goes on from the database, a proxy with its password and a group with its members', async () => {
    await start(hub, group)
    const after = await start()
    expect(after.named('hub')).toMatchObject({ type: 'proxy', upstream })
    expect(after.named('all')).toMatchObject({
      type: 'group',
      members: [{ repository: 'private' }, { repository: 'hub' }],
    })
    const rows = await listRepositories(opened.db)
    expect(rows.map(({ name, managed_by }) => `${name} ${managed_by}`)).toEqual([
      'all database',
      'hub database',
      'private file',
    ])
  })

  test('what the file declares again is the file’s again', async () => {
    await start(hub)
    await start()
    await start({ ...hub, upstream: { url: 'https://other.example.com' } })
    const row = (await listRepositories(opened.db)).find(({ name }) => name === 'hub')
    expect(row).toMatchObject({ managed_by: 'file' })
    expect(row?.settings).toContain('other.example.com')
  })

  test('a start that changes nothing writes nothing', async () => {
    await start(hub, group)
    const before = await listRepositories(opened.db)
    await start(hub, group)
    expect(await listRepositories(opened.db)).toEqual(before)
  })

  test('another store in the file moves nothing, and is said', async () => {
    const before = await start()
    await ensureImage(opened.db.queries, before.default.id, 'app', 1)
    const warnings: string[] = []
    const log = { ...quiet, warn: (text: string) => void warnings.push(text), info: () => {} }
    const { repository } = readRepository({ name: 'private', blobStore: 'fast' }, 'test')
    const parts = { db: opened.db, secrets: testSecrets(), log, now: Date.now }
    const after = await openRepositories(parts, { repositories: [repository], defaultRepository: 'private' })
    expect(after.default.store).toBe('default')
    expect(warnings).toEqual([
      'the content of repository private is in blob store default, not in fast as the file says',
    ])
  })

  test('a repository with content cannot become another type', async () => {
    const before = await start({ name: 'team' })
    await ensureImage(opened.db.queries, before.named('team')!.id, 'app', 1)
    await expect(start({ ...hub, name: 'team' })).rejects.toThrow(
      'repository team is hosted and has content: it cannot become proxy',
    )
  })

  test('a process that watches sees what another one has changed', async () => {
    const here = await start()
    const watch = watchRepositories(here, quiet, 5)
    try {
      await start({ name: 'late' })
      const giveUp = Date.now() + 20_000
      while (!here.named('late') && Date.now() < giveUp) await new Promise((resolve) => setTimeout(resolve, 5))
      expect(here.named('late')).toMatchObject({ type: 'hosted' })
    } finally {
      await watch.close()
    }
  })

  test('secrets that this process cannot open are taken from its own file', async () => {
    await start(hub)
    const { repository } = readRepository(hub, 'test')
    const { repository: home } = readRepository({ name: 'private' }, 'test')
    const secrets = testSecrets('7'.repeat(64))
    const parts = { db: opened.db, secrets, log: quiet, now: Date.now }
    const config = { repositories: [home, repository], defaultRepository: 'private' }
    const theirs = await openRepositories(parts, config)
    expect(theirs.named('hub')).toMatchObject({ upstream })
    // And the first process, whose key it is not any more, goes on as well.
    const ours = await start(hub)
    expect(ours.named('hub')).toMatchObject({ upstream })
    await theirs.refresh()
    expect(theirs.named('hub')?.offline).toBeUndefined()
  })
})
