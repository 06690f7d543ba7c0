import { type ContentUse, usersOfContent, usesOfContent } from '../database/cached-content.ts'
import type { CachedManifest } from '../database/cached-manifests.ts'
import type { Queries } from '../database/database.ts'
import type { Cache } from './evict.ts'

/** A layer that many images share is looked up once, not once for each of them. */
const capacity = 50_000

/** Who uses the content of a cache, for a walk from the least recently used manifests on. */
export function createContentUses(queries: Queries, cache: Cache) {
  const known = new Map<string, ContentUse>()

  /** Whether anybody but manifests used by then has it, as far as is known. */
  const isKept = (digest: string, by: number) => {
    const use = known.get(digest)
    return use !== undefined && (use.isShared || (use.usedAt ?? 0) > by)
  }

  return {
    /**
     * Those of the contents that only manifests of this repository need, none of which was used after `by`, with these manifests. What is missing here stays
     * whichever manifests used by then go.
     */
    async endingBy(digests: string[], by: number): Promise<Map<string, CachedManifest[]>> {
      if (known.size > capacity) known.clear()
      const unsure = [...new Set(digests)].filter((digest) => !isKept(digest, by))
      for (const use of await usesOfContent(queries, { store: cache.store, repositoryId: cache.id }, unsure, by))
        known.set(use.digest, use)
      const ending = unsure.filter((digest) => known.has(digest) && !isKept(digest, by))
      const users = await usersOfContent(queries, cache.id, ending)
      return Map.groupBy(users, ({ content }) => content)
    },
  }
}
