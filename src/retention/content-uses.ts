import { type ContentUse, usesOfContent } from '../database/cached-content.ts'
import type { Queries } from '../database/database.ts'
import type { Cache } from './evict.ts'

/** A layer that many images share is looked up once, not once for each of them. */
const capacity = 50_000

/** Who uses the content of a cache, as found at first sight. */
export function createContentUses(queries: Queries, cache: Cache) {
  const known = new Map<string, ContentUse>()

  return {
    async look(digests: string[]): Promise<void> {
      if (known.size > capacity) known.clear()
      const fresh = [...new Set(digests)].filter((digest) => !known.has(digest))
      for (const use of await usesOfContent(queries, cache.store, cache.id, fresh)) known.set(use.digest, use)
    },
    /** Whether only this repository has the content and no manifest used after this time needs it. */
    lastIsBy(digest: string, usedAt: number): boolean {
      const use = known.get(digest)
      return use !== undefined && !use.isShared && (use.newest ?? 0) <= usedAt
    },
  }
}
