import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Decide } from '../../src/access/decide.ts'
import { createBlobStores } from '../../src/content/blob-store.ts'
import { createBlobs } from '../../src/content/blobs.ts'
import { createUploads } from '../../src/content/uploads.ts'
import { createHostedImages } from '../../src/formats/docker/images/hosted.ts'
import type { ProtocolParts } from '../../src/formats/docker/protocol/call.ts'
import { createDockerProtocol } from '../../src/formats/docker/protocol/dispatch.ts'
import { createV1 } from '../../src/formats/docker/protocol/v1.ts'
import { nobodyIsAsked } from '../../src/identity/authenticator.ts'
import { createInMemoryDriver } from '../../src/storage/inmemory.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { openTestSqlite, type TestDatabase } from '../helpers/databases.ts'
import { fakeIncoming } from '../helpers/fake-incoming.ts'
import { digestOf, nextOf, types } from '../helpers/registry.ts'
import { openTestRepositories } from '../helpers/repositories.ts'

/** Images under `secret/` are not for everyone; nothing may be deleted. */
const decide: Decide = (_, action, target) => action !== 'delete' && !target?.image.startsWith('secret/')

describe('a caller who may not do everything', () => {
  let database: TestDatabase
  let parts: ProtocolParts

  beforeAll(async () => {
    database = await openTestSqlite()
    const content = {
      db: database.db,
      stores: createBlobStores([{ name: 'default', driver: createInMemoryDriver() }]),
      now: Date.now,
      graceMs: 3_600_000,
    }
    const blobs = createBlobs(content)
    const hosted = { ...content, blobs, uploads: createUploads(content) }
    parts = {
      repositories: await openTestRepositories(database.db, [{ name: 'private' }], 'private'),
      imagesOf: createHostedImages(hosted, { readOnly: false, deletable: true, sparse: false }),
      blobs,
      authenticator: nobodyIsAsked,
      decide: () => true,
      telling: { tell: () => {}, pulls: false },
      log: createLog(),
      maxTags: 10,
      maxCatalog: 10,
      absoluteUrls: false,
      assertReady: () => {},
    }
    const everything = createDockerProtocol(parts)
    const index = JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: [] })
    const names = ['open', ...Array.from({ length: 12 }, (_, i) => `secret/${i}`), 'secrets', 'z']
    for (const name of names) {
      await everything(fakeIncoming('PUT', `/v2/${name}/manifests/x`, { 'content-type': types.index }, { body: index }))
    }
    const blob = `/v2/secret/0/blobs/uploads/?digest=${digestOf('hidden')}`
    expect((await everything(fakeIncoming('POST', blob, {}, { body: 'hidden' }))).status).toBe(201)
  })
  afterAll(() => database.close())

  const limited = (method: string, target: string, headers: Record<string, string> = {}) => {
    const create = target.startsWith('/v1/') ? createV1 : createDockerProtocol
    return create({ ...parts, decide })(fakeIncoming(method, target, headers))
  }

  for (const from of ['&from=secret/0', '&from=private/secret/0', '']) {
    test(`mounts nothing from an image they may not pull, and does not learn that it exists (${from || 'from anywhere'})`, async () => {
      const refused = await limited('POST', `/v2/open/blobs/uploads/?mount=${digestOf('hidden')}${from}`)
      const missing = await limited('POST', `/v2/open/blobs/uploads/?mount=${digestOf('missing')}${from}`)
      expect([refused.status, missing.status]).toEqual([202, 202])
      expect([...refused.headers.keys()]).toEqual([...missing.headers.keys()])
      expect((await limited('HEAD', `/v2/open/blobs/${digestOf('hidden')}`)).status).toBe(404)
    })
  }

  test('sees the same refusal for what exists and what does not', async () => {
    for (const [method, path] of [
      ['GET', 'manifests/x'],
      ['GET', 'manifests/y'],
      ['GET', 'tags/list'],
      ['GET', `blobs/${digestOf('hidden')}`],
      ['GET', `referrers/${digestOf('hidden')}`],
      ['POST', 'blobs/uploads/'],
      ['PUT', 'manifests/x'],
    ] as const) {
      const answers = await Promise.all(['0', 'none'].map((image) => limited(method, `/v2/secret/${image}/${path}`)))
      expect(answers.map(({ status }) => status)).toEqual([401, 401])
    }
  })

  test('may pull without being able to delete', async () => {
    expect((await limited('GET', '/v2/open/manifests/x')).status).toBe(200)
    expect((await limited('DELETE', '/v2/open/manifests/x')).status).toBe(401)
  })

  for (const n of [1, 2, 3, 10]) {
    test(`finds in the catalog what they may pull, in full pages of ${n}`, async () => {
      const pages: string[][] = []
      let next: string | undefined = `/v2/_catalog?n=${n}`
      while (next !== undefined) {
        const answer: Response = await limited('GET', next)
        pages.push(((await answer.json()) as { repositories: string[] }).repositories)
        next = nextOf(answer)
      }
      expect(pages.flat()).toEqual(['open', 'secrets', 'z'])
      expect(pages).toHaveLength(Math.ceil(3 / n))
    })
  }

  test('finds by search what they may pull', async () => {
    const { results } = (await (await limited('GET', '/v1/search?q=secret')).json()) as { results: { name: string }[] }
    expect(results.map(({ name }) => name)).toEqual(['secrets'])
  })

  test('finds in the index of an upstream what they may pull', async () => {
    const told = { from: 'private', description: 'found', stars: 1, official: false, automated: false }
    const found = ['open/app', 'secret/app'].map((name) => ({ ...told, name, canonical: name }))
    const imagesOf: ProtocolParts['imagesOf'] = (repository) => ({
      ...parts.imagesOf(repository),
      searchIndex: async () => found,
    })
    const answer = await createV1({ ...parts, decide, imagesOf })(fakeIncoming('GET', '/v1/search?q=app'))
    const { results } = (await answer.json()) as { results: { name: string }[] }
    expect(results.map(({ name }) => name)).toEqual(['open/app'])
  })

  test('finds it also when many others stand before it', async () => {
    const { results } = (await (await limited('GET', '/v1/search?q=secret&n=2')).json()) as { results: unknown[] }
    expect(results).toHaveLength(1)
  })
})
