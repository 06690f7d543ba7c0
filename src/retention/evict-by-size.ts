import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ContentParts } from '../content/content.ts'
import { contentOf, usersOfContent } from '../database/cached-content.ts'
import {
  type CachedManifest,
  cachedChildren,
  imagesArriving,
  leastRecentlyUsed,
  type Walked,
} from '../database/cached-manifests.ts'
import { createContentUses } from './content-uses.ts'
import { type Cache, type Evicted, evict } from './evict.ts'
import { coarseMs } from './last-use.ts'

const page = 100

/** First what frees at least this part of its bytes; only when that is not enough, what frees anything at all. */
const worths = [0.1, 0]

/** What goes together: a manifest and, of an index, the children that were not used since. */
interface Unit {
  manifests: CachedManifest[]
  usedAt: number
  /** Bytes by digest, and which of them nobody would need. */
  content: Map<string, number>
  /** Some of its children were used alone. */
  hasOthers: boolean
}

/**
 * Evicts those unused for longest until `excess` bytes are freed, but nothing that was used at `before` or later. A manifest whose blobs are all needed by
 * images used after it, or by other repositories, stays: evicting it would free nothing. Its turn comes with the last of those images.
 */
export async function evictBySize(
  parts: ContentParts,
  cache: Cache,
  { excess, before }: { excess: number; before: number },
  keepGoing: () => Promise<boolean>,
): Promise<Evicted> {
  const { queries } = parts.db
  const total: Evicted = { manifests: 0, bytes: 0 }
  const uses = createContentUses(queries, cache)
  let arriving = new Set<string>()
  for (const worth of worths) {
    let after: Walked | undefined
    while (total.bytes < excess && (await keepGoing())) {
      const old = await leastRecentlyUsed(queries, cache.id, before, after, page)
      if (old.length === 0) break
      after = old.at(-1)
      const gone = new Set<number>()
      await nextTurn()
      for (const unit of await unitsOf(old)) {
        if (total.bytes >= excess) break
        if (unit.manifests.some(({ id }) => gone.has(id))) continue
        const chosen = await choose(unit, worth)
        if (chosen.length === 0) continue
        const { manifests, bytes } = await evict(parts, cache, chosen, unit.usedAt)
        for (const { id } of chosen) gone.add(id)
        total.manifests += manifests
        total.bytes += bytes
      }
    }
  }
  return total

  /** In pages, with other work in between: SQLite answers without ever letting go. */
  async function unitsOf(old: CachedManifest[]): Promise<Unit[]> {
    arriving = await imagesArriving(queries, cache.id)
    const candidates = old.filter(({ image }) => !arriving.has(image))
    if (candidates.length === 0) return []
    const children = await cachedChildren(
      queries,
      candidates.map(({ id }) => id),
    )
    const ids = [...new Set([...candidates, ...children].map(({ id }) => id))]
    const content = Map.groupBy(await contentOf(queries, cache.store, ids), ({ manifestId }) => manifestId)
    await uses.look([...content.values()].flat().map(({ digest }) => digest))
    return candidates.map((manifest) => {
      const own = children.filter(({ parent }) => parent === manifest.id)
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

  /** What to evict for the sake of this unit: nothing when it is not worth it, otherwise also older manifests that need the same. */
  async function choose({ manifests, usedAt, content, hasOthers }: Unit, worth: number): Promise<CachedManifest[]> {
    // What keeps nothing at all costs nothing to fetch again, and would pile up.
    if (content.size === 0) return hasOthers ? [] : manifests
    const freed = [...content.keys()].filter((digest) => uses.lastIsBy(digest, usedAt))
    const sum = (digests: Iterable<string>) => [...digests].reduce((all, digest) => all + content.get(digest)!, 0)
    const bytes = sum(freed)
    if (bytes === 0 || bytes < worth * sum(content.keys())) return []
    const users = await usersOfContent(queries, cache.id, freed)
    const known = new Set(manifests.map(({ id }) => id))
    const others = users.filter(({ id, usedAt: used }) => !known.has(id) && used <= usedAt)
    // Kept by one that is arriving, the content would stay.
    return others.some(({ image }) => arriving.has(image)) ? [] : [...manifests, ...others]
  }
}
