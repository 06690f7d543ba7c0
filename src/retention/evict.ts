import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ContentParts } from '../content/content.ts'
import { contentOf, stillNeeded } from '../database/cached-content.ts'
import { type CachedManifest, evictManifests } from '../database/cached-manifests.ts'

/** A proxy repository, as far as its cache goes. */
export interface Cache {
  id: number
  name: string
  store: string
  /** Milliseconds without use after which a manifest goes; undefined: never. */
  keepForMs: number | undefined
  /** Bytes that only this repository needs; undefined: as many as there is room for. */
  cacheBytes: number | undefined
}

export interface Evicted {
  manifests: number
  /** Of blobs that nobody needs any more: the collector takes them after its grace time. */
  bytes: number
}

/** Manifests that go in one transaction: with SQLite nothing else happens meanwhile. */
export const evictedAtOnce = 20

/**
 * Takes manifests out of a cache, unless they were used since they were read, and counts what that frees. Their blobs stay for the grace time of the
 * collector, so that a pull that has begun can finish.
 */
export async function evict(
  { db, now, graceMs }: ContentParts,
  { store }: Pick<Cache, 'store'>,
  manifests: CachedManifest[],
): Promise<Evicted> {
  const total: Evicted = { manifests: 0, bytes: 0 }
  for (let start = 0; start < manifests.length; start += evictedAtOnce) {
    const some = manifests.slice(start, start + evictedAtOnce)
    const content = await contentOf(
      db.queries,
      store,
      some.map(({ id }) => id),
    )
    await nextTurn()
    // After a power cut some are cached again: no harm.
    const gone = new Set(await db.relaxed((tx) => evictManifests(tx, store, some, now() + graceMs)))
    await nextTurn()
    const sizes = new Map(
      content.filter(({ manifestId }) => gone.has(manifestId)).map(({ digest, size }) => [digest, size]),
    )
    const needed = await stillNeeded(db.queries, store, [...sizes.keys()])
    total.manifests += gone.size
    for (const [digest, size] of sizes) if (!needed.has(digest)) total.bytes += size
    await nextTurn()
  }
  return total
}
