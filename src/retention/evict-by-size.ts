import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ContentParts } from '../content/content.ts'
import { type CachedManifest, imagesArriving, leastRecentlyUsed, type Walked } from '../database/cached-manifests.ts'
import { createContentUses } from './content-uses.ts'
import { type Cache, type Evicted, evict, evictedAtOnce } from './evict.ts'
import { type Unit, unitsOf } from './units.ts'

/** Manifests that are judged together, with everything that they need. */
const page = 50

/**
 * First what frees at least this part of its bytes, as long as there is some of that among so many manifests; only when that is not enough, what frees
 * anything at all.
 */
const worths = [
  { worth: 0.1, among: 2000 },
  { worth: 0, among: Number.POSITIVE_INFINITY },
]

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
  for (const { worth, among } of worths) {
    let after: Walked | undefined
    let inVain = 0
    while (total.bytes < excess && inVain < among && (await keepGoing())) {
      const old = await leastRecentlyUsed(queries, cache.id, before, after, page)
      if (old.length === 0) break
      after = old.at(-1)
      const evicted = total.manifests
      await evictPage(old, worth)
      inVain = total.manifests > evicted ? 0 : inVain + old.length
      await nextTurn()
    }
  }
  return total

  /** In steps, with other work in between: SQLite answers without ever letting go. */
  async function evictPage(old: CachedManifest[], worth: number): Promise<void> {
    const arriving = await imagesArriving(queries, cache.id)
    const candidates = old.filter(({ image }) => !arriving.has(image))
    const units = await unitsOf(queries, cache, candidates, before)
    await nextTurn()
    const latest = Math.max(...units.map(({ usedAt }) => usedAt))
    const digests = units.flatMap(({ content }) => [...content.keys()])
    const choose = createChoice(await uses.endingBy(digests, latest), arriving)
    await nextTurn()
    let chosen: CachedManifest[] = []
    let expected = 0
    for (const unit of units) {
      const choice = choose(unit, worth)
      chosen.push(...choice.manifests)
      expected += choice.bytes
      const isEnough = total.bytes + expected >= excess
      if (!isEnough && chosen.length < evictedAtOnce) continue
      await evictChosen()
      if (total.bytes >= excess) return
    }
    await evictChosen()

    async function evictChosen(): Promise<void> {
      const { manifests, bytes } = await evict(parts, cache, chosen)
      total.manifests += manifests
      total.bytes += bytes
      chosen = []
      expected = 0
    }
  }
}

/** Decides over the units of a page, in their order. `users`: the manifests that need contents which nobody beyond this page needs. */
function createChoice(users: Map<string, CachedManifest[]>, arriving: Set<string>) {
  const gone = new Set<number>()
  const sum = (content: Map<string, number>, digests: Iterable<string>) =>
    [...digests].reduce((all, digest) => all + content.get(digest)!, 0)

  /** What to evict for the sake of a unit: nothing when it is not worth it, otherwise also older manifests that need the same. */
  return ({ manifests, usedAt, content, hasOthers }: Unit, worth: number) => {
    const nothing = { manifests: [] as CachedManifest[], bytes: 0 }
    if (manifests.some(({ id }) => gone.has(id))) return nothing
    const left = (digest: string) => users.get(digest)?.filter(({ id }) => !gone.has(id)) ?? []
    const freed = [...content.keys()].filter(
      (digest) => left(digest).length > 0 && left(digest).every((user) => user.usedAt <= usedAt),
    )
    const bytes = sum(content, freed)
    // What keeps nothing at all costs nothing to fetch again, and would pile up.
    const isWorth = content.size === 0 ? !hasOthers : bytes > 0 && bytes >= worth * sum(content, content.keys())
    if (!isWorth) return nothing
    const going = new Map(manifests.map((manifest) => [manifest.id, manifest]))
    for (const user of freed.flatMap(left)) if (!going.has(user.id)) going.set(user.id, user)
    // Kept by one that is arriving, the content would stay.
    if ([...going.values()].some(({ image }) => arriving.has(image))) return nothing
    for (const id of going.keys()) gone.add(id)
    return { manifests: [...going.values()], bytes }
  }
}
