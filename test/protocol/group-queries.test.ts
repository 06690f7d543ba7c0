import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createBlobStores } from '../../src/content/blob-store.ts'
import { createBlobs } from '../../src/content/blobs.ts'
import type { Digest } from '../../src/content/digest.ts'
import { createUploads } from '../../src/content/uploads.ts'
import type { Database } from '../../src/database/database.ts'
import { createGroupImages } from '../../src/formats/docker/images/group.ts'
import { createHostedImages } from '../../src/formats/docker/images/hosted.ts'
import { createHostedTogether } from '../../src/formats/docker/images/hosted-together.ts'
import type { Images } from '../../src/formats/docker/images/image-source.ts'
import { parseManifest } from '../../src/formats/docker/images/manifest.ts'
import type { Repositories, Repository } from '../../src/repositories/repositories.ts'
import { createInMemoryDriver } from '../../src/storage/inmemory.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { describeOnEachDatabase, type TestDatabase } from '../helpers/databases.ts'
import { configOf, digestOf, imageManifest, layerOf } from '../helpers/registry.ts'
import { openTestRepositories } from '../helpers/repositories.ts'

const names = ['one', 'two', 'three', 'four']

/** The same database, with what is asked of it counted: prepared queries, and everything else that is run. */
function counted(db: Database) {
  const count = { prepared: 0, other: 0 }
  const executor = db.queries.getExecutor()
  const queries = new Proxy(db.queries, {
    get(target, key) {
      if (key === 'getExecutor') return () => executor
      count.other++
      const value = Reflect.get(target, key) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const counting: Database = Object.create(db, {
    queries: { value: queries },
    prepare: {
      value: (build: Parameters<Database['prepare']>[0]) => {
        const query = db.prepare(build)
        return (parameters: object) => {
          count.prepared++
          return query(parameters)
        }
      },
    },
  })
  return { db: counting, count }
}

describeOnEachDatabase('queries of a group with four hosted members', (openDatabase) => {
  let database: TestDatabase
  let group: Images
  let repositories: Repositories
  let imagesOf: (repository: Repository) => Images
  let count: { prepared: number; other: number }

  beforeAll(async () => {
    database = await openDatabase()
    const wrapped = counted(database.db)
    const { db } = wrapped
    count = wrapped.count
    const stores = createBlobStores([{ name: 'default', driver: createInMemoryDriver() }])
    const parts = { db, stores, now: Date.now, graceMs: 60_000 }
    const blobs = createBlobs(parts)
    const uploads = createUploads(parts)
    const hosted = createHostedImages({ ...parts, blobs, uploads }, { readOnly: false, deletable: true, sparse: false })
    const all = { name: 'all', type: 'group', members: names, writableMember: 'one' }
    repositories = await openTestRepositories(db, [...names.map((name) => ({ name })), all], 'all')
    imagesOf = hosted
    const together = createHostedTogether({ db, blobs })
    const groupImages = createGroupImages({ repositories, imagesOf, together, now: Date.now, log: silentLog })
    group = groupImages(repositories.default)
    await push('four', 'app', '1')
  })
  afterAll(() => database.close())

  async function push(repository: string, image: string, tag: string, seed = 'seed'): Promise<Digest> {
    const images = imagesOf(repositories.named(repository)!)
    for (const content of [configOf(seed), layerOf(seed)]) {
      const upload = await images.startUpload(image, 'sha256')
      const bytes = (async function* () {
        yield Buffer.from(content)
      })()
      await images.finishUpload(upload, digestOf(content) as Digest, { bytes })
    }
    const bytes = Buffer.from(JSON.stringify(imageManifest(seed)))
    const digest = digestOf(bytes) as Digest
    await images.putManifest(image, parseManifest(bytes, imageManifest(seed).mediaType), digest, [tag])
    return digest
  }

  async function asked(work: () => unknown) {
    Object.assign(count, { prepared: 0, other: 0 })
    const result = await work()
    return { result, queries: { ...count } }
  }

  const manifest = digestOf(JSON.stringify(imageManifest('seed'))) as Digest
  const layer = digestOf(layerOf('seed')) as Digest
  const one = { prepared: 1, other: 0 }

  test('a manifest by tag, a manifest by digest and a blob of the last member are one prepared query each', async () => {
    const byTag = await asked(() => group.manifest('app', { tag: '1', digest: undefined }))
    expect(byTag).toMatchObject({ result: { digest: manifest }, queries: one })
    const byDigest = await asked(() => group.manifest('app', { digest: manifest, tag: undefined }))
    expect(byDigest).toMatchObject({ result: { digest: manifest }, queries: one })
    expect(await asked(() => group.blob('app', layer))).toMatchObject({ result: { digest: layer }, queries: one })
  })

  test('what was just asked for is answered from memory where that is as good, and at once', async () => {
    const again = await asked(() => group.manifest('app', { tag: '1', digest: undefined }))
    expect(again.queries).toEqual({ prepared: database.db.generation === undefined ? 1 : 0, other: 0 })
    if (database.db.generation !== undefined)
      expect(group.manifest('app', { tag: '1', digest: undefined })).not.toBeInstanceOf(Promise)
  })

  test('what nobody has is one prepared query', async () => {
    const none = { tag: 'none', digest: undefined }
    expect(await asked(() => group.manifest('app', none))).toEqual({ result: undefined, queries: one })
    const digest = digestOf('nothing') as Digest
    expect(await asked(() => group.blob('app', digest))).toEqual({ result: undefined, queries: one })
  })

  test('what another member gets meanwhile is seen, in the order of the members', async () => {
    for (const name of ['three', 'one', 'two']) {
      const digest = await push(name, 'app', '1', `of ${name}`)
      const found = await group.manifest('app', { tag: '1', digest: undefined })
      expect(found?.digest).toBe(name === 'three' ? digest : digestOf(JSON.stringify(imageManifest('of one'))))
    }
    const found = await group.manifest('app', { digest: manifest, tag: undefined })
    expect(found?.digest).toBe(manifest)
  })
})
