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

/** Manifests that go in one transaction. */
const batch = 100

/**
 * Takes manifests out of a cache, unless they were used after `usedBy` by now, and counts what that frees. Their blobs stay for the grace time of the
 * collector, so that a pull that has begun can finish.
 */
export async function evict(
  { db, now, graceMs }: ContentParts,
  { store }: Pick<Cache, 'store'>,
  manifests: CachedManifest[],
  usedBy: number,
): Promise<Evicted> {
  const total: Evicted = { manifests: 0, bytes: 0 }
  for (const [imageId, all] of Map.groupBy(manifests, (manifest) => manifest.imageId)) {
    for (let start = 0; start < all.length; start += batch) {
      const some = all.slice(start, start + batch)
      const ids = some.map(({ id }) => id)
      const content = await contentOf(db.queries, store, ids)
      // After a power cut some are cached again: no harm.
      const gone = await db.relaxed((tx) => evictManifests(tx, { imageId, store }, some, usedBy, now() + graceMs))
      const sizes = new Map(
        content.filter(({ manifestId }) => gone.includes(manifestId)).map((one) => [one.digest, one.size]),
      )
      const needed = await stillNeeded(db.queries, store, [...sizes.keys()])
      total.manifests += gone.length
      for (const [digest, size] of sizes) if (!needed.has(digest)) total.bytes += size
      await nextTurn()
    }
  }
  return total
}
