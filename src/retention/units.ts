import { contentOf } from '../database/cached-content.ts'
import { type CachedManifest, cachedChildren } from '../database/cached-manifests.ts'
import type { Queries } from '../database/database.ts'
import type { Cache } from './evict.ts'
import { coarseMs } from './last-use.ts'

/** What goes together: a manifest and, of an index, the children that were not used since. */
export interface Unit {
  manifests: CachedManifest[]
  usedAt: number
  /** Bytes by digest. */
  content: Map<string, number>
  /** Some of its children were used alone. */
  hasOthers: boolean
}

/** What goes with each of some manifests. Children that were used at `before` or later stay. */
export async function unitsOf(
  queries: Queries,
  cache: Pick<Cache, 'store'>,
  candidates: CachedManifest[],
  before: number,
): Promise<Unit[]> {
  if (candidates.length === 0) return []
  const children = await cachedChildren(
    queries,
    candidates.map(({ id }) => id),
  )
  const childrenOf = Map.groupBy(children, ({ parent }) => parent)
  const ids = [...new Set([...candidates, ...children].map(({ id }) => id))]
  const content = Map.groupBy(await contentOf(queries, cache.store, ids), ({ manifestId }) => manifestId)
  return candidates.map((manifest) => {
    const own = childrenOf.get(manifest.id) ?? []
    // An index and its children are noted together, give or take the time that a use is known to.
    const going = own.filter(({ usedAt }) => usedAt <= manifest.usedAt + coarseMs && usedAt < before)
    const manifests = [manifest, ...going]
    const needed = manifests.flatMap(({ id }) => content.get(id) ?? [])
    return {
      manifests,
      usedAt: Math.max(...manifests.map(({ usedAt }) => usedAt)),
      content: new Map(needed.map(({ digest, size }) => [digest, size])),
      hasOthers: going.length < own.length,
    }
  })
}
