import { afterEach, expect, test } from 'bun:test'
import type { Database } from '../../src/database/database.ts'
import { evictByAge } from '../../src/retention/evict-by-age.ts'
import { evictBySize } from '../../src/retention/evict-by-size.ts'
import { createMeasure } from '../../src/retention/measure.ts'
import { describeOnEachDatabase } from '../helpers/databases.ts'
import { fillCache } from '../helpers/full-cache.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const part of open.splice(0).reverse()) await part.close()
})

const each = 50
const layerBytes = 1000
const bytesOfImage = (3 + each * 5) * layerBytes
const allBytes = 100 * bytesOfImage

/** Writing them takes a while where others are at work. */
const patienceMs = 30_000

describeOnEachDatabase('a cache of 5,000 manifests', (openDatabase) => {
  async function lab(images = 100) {
    const { db, close } = await openDatabase()
    open.push({ close })
    const row = { format: 'docker', write_policy: 'allow', description: '', managed_by: 'file', created_at: 0 } as const
    await db.queries
      .insertInto('repositories')
      .values({ ...row, id: 1, name: 'far', type: 'proxy', blob_store: 'default' })
      .execute()
    await fillCache(db, { repositoryId: 1, store: 'default', images, each, layerBytes, from: 0 })
    const counted = counting(db)
    const cache = { id: 1, name: 'far', store: 'default', keepForMs: undefined, cacheBytes: undefined }
    const stores = () => {
      throw new Error('no bytes are touched')
    }
    const parts = { db: counted.db, stores, now: () => 10_000_000, graceMs: 0 }
    const left = async () =>
      (await db.queries.selectFrom('manifest_uses').select('used_at').orderBy('used_at').execute()).map(
        ({ used_at }) => used_at,
      )
    return { db, parts, cache, counted, left }
  }

  test(
    'is measured in steps of bounded size',
    async () => {
      const { parts, cache } = await lab()
      let steps = 0
      const bytes = await createMeasure(parts.db)(cache, async () => ++steps > 0)
      expect(bytes).toBe(allBytes)
      expect(steps).toBeGreaterThanOrEqual(Math.floor(allBytes / layerBytes / 2000))
      expect(steps).toBeLessThanOrEqual(Math.ceil(allBytes / layerBytes / 500) + 1)
    },
    patienceMs,
  )

  test(
    'stops measuring when it is told to',
    async () => {
      const { parts, cache } = await lab()
      let steps = 0
      expect(await createMeasure(parts.db)(cache, async () => ++steps < 3)).toBeUndefined()
      expect(steps).toBe(3)
    },
    patienceMs,
  )

  test(
    'loses 1,000 manifests by age with few statements, twenty to a transaction',
    async () => {
      const { parts, cache, counted, left } = await lab()
      const evicted = await evictByAge(parts, cache, 1_000_000, async () => true)
      expect(evicted).toEqual({ manifests: 1000, bytes: 1000 * 5 * layerBytes })
      expect((await left())[0]).toBe(1_000_000)
      expect(counted.transactions).toBe(50)
      expect(counted.statements).toBeLessThan(1000)
    },
    patienceMs,
  )

  test(
    'loses by size those unused for longest, with few statements',
    async () => {
      const { parts, cache, counted, left } = await lab()
      const excess = 400 * 5 * layerBytes
      // The pages that look for what frees a tenth of itself find it at once: each frees 5 of its 8 layers.
      const evicted = await evictBySize(parts, cache, { excess, before: 9_000_000 }, async () => true)
      expect(evicted).toEqual({ manifests: 400, bytes: excess })
      expect((await left())[0]).toBe(400_000)
      expect((await left()).length).toBe(100 * each - 400)
      expect(counted.transactions).toBeLessThanOrEqual(400 / 20 + 8)
      expect(counted.statements).toBeLessThan(400)
    },
    patienceMs,
  )

  test(
    'loses all of itself but what was used since',
    async () => {
      const { db, parts, cache, left } = await lab(10)
      const evicted = await evictBySize(parts, cache, { excess: allBytes, before: 499_000 }, async () => true)
      expect(evicted).toEqual({ manifests: 10 * each - 1, bytes: 10 * bytesOfImage - 8 * layerBytes })
      expect(await left()).toEqual([499_000])
      const references = await db.queries.selectFrom('manifest_references').select('digest').execute()
      expect(references.length).toBe(8)
    },
    patienceMs,
  )
})

/** The same database, with its statements and transactions counted. */
function counting(db: Database) {
  const counts = {
    statements: 0,
    transactions: 0,
    db: {
      ...db,
      queries: db.queries.withPlugin(counter()),
      relaxed: <T>(work: Parameters<Database['relaxed']>[0]) => {
        counts.transactions++
        return db.relaxed((tx) => work(tx.withPlugin(counter()))) as Promise<T>
      },
    } as Database,
  }
  function counter() {
    return {
      transformQuery: <Node>({ node }: { node: Node }) => {
        counts.statements++
        return node
      },
      transformResult: async <Result>({ result }: { result: Result }) => result,
    }
  }
  return counts
}
