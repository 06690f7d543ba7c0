import type { Hit, IndexHit, Page, ReferrersPage } from './image-source.ts'
import { mergeReferrers } from './referrers.ts'

/** One page of several lists, each sorted by byte order, as of one list without doubles. */
export function mergePages(pages: readonly string[][], { limit }: Page): string[] {
  return [...new Set(pages.flat())].sort((one, other) => (one < other ? -1 : 1)).slice(0, limit)
}

/** The same for what searches found; of members that have a name in common the first is told. */
export function mergeHits(pages: readonly Hit[][], { limit }: Page): Hit[] {
  const byName = new Map<string, Hit>()
  for (const hit of pages.flat()) if (!byName.has(hit.name)) byName.set(hit.name, hit)
  return [...byName.values()].sort((one, other) => (one.name < other.name ? -1 : 1)).slice(0, limit)
}

/** What a member's index found, by names that the group asks this member for. */
export function askedHits(hits: readonly IndexHit[], isAskedFor: (image: string) => boolean): IndexHit[] {
  return hits.flatMap((hit) => {
    const name = [hit.name, hit.canonical].find(isAskedFor)
    return name === undefined ? [] : [{ ...hit, name }]
  })
}

/** One page of referrers of several lists. A list that broke off early says nothing of what comes after its last entry. */
export function mergeReferrersPages(pages: readonly ReferrersPage[], page: Page): ReferrersPage {
  const ends = pages.flatMap(({ referrers, more }) => (more ? [referrers.at(-1)?.digest ?? ''] : []))
  const end = ends.sort()[0]
  // Members that come first win: their descriptors are written last.
  const known = pages.toReversed().flatMap(({ referrers }) => referrers)
  const sure = end === undefined ? known : known.filter(({ digest }) => digest <= end)
  const merged = mergeReferrers(sure, [], page, [])
  return { ...merged, more: merged.more || end !== undefined }
}

/** At most so many names are read at once. */
const largestRead = 1000

/**
 * Entries of a list that `isWanted` by name, of one that has others between them: reads on, in growing steps, until there are `page.limit` or the list ends.
 */
export async function readWanted<Entry>(
  list: (page: Page) => Promise<Entry[]>,
  nameOf: (entry: Entry) => string,
  isWanted: (name: string) => boolean,
  page: Page,
): Promise<Entry[]> {
  const wanted: Entry[] = []
  let { last, limit } = page
  while (wanted.length < page.limit) {
    const entries = await list({ last, limit })
    wanted.push(...entries.filter((entry) => isWanted(nameOf(entry))))
    const end = entries.at(-1)
    if (end === undefined || entries.length < limit) break
    last = nameOf(end)
    limit = Math.max(page.limit, Math.min(limit * 2, largestRead))
  }
  return wanted.slice(0, page.limit)
}
