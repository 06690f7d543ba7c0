import type { ContentParts } from '../content/content.ts'
import { imagesArriving, leastRecentlyUsed, type Walked } from '../database/cached-manifests.ts'
import { type Cache, type Evicted, evict } from './evict.ts'

const page = 200

/** Evicts what was last used before `before`. `keepGoing` is asked between batches. */
export async function evictByAge(
  parts: ContentParts,
  cache: Cache,
  before: number,
  keepGoing: () => Promise<boolean>,
): Promise<Evicted> {
  const { queries } = parts.db
  const total: Evicted = { manifests: 0, bytes: 0 }
  let after: Walked | undefined
  while (await keepGoing()) {
    const old = await leastRecentlyUsed(queries, cache.id, before, after, page)
    if (old.length === 0) break
    const arriving = await imagesArriving(queries, cache.id)
    const { manifests, bytes } = await evict(
      parts,
      cache,
      old.filter(({ image }) => !arriving.has(image)),
    )
    total.manifests += manifests
    total.bytes += bytes
    after = old.at(-1)
  }
  return total
}
