import type { Page, ReferrersPage } from './image-source.ts'
import { mergeReferrers } from './referrers.ts'

/** One page of several lists, each sorted by byte order, as of one list without doubles. */
export function mergePages(pages: readonly string[][], { limit }: Page): string[] {
  return [...new Set(pages.flat())].sort((one, other) => (one < other ? -1 : 1)).slice(0, limit)
}

/** The same for referrers. A list that broke off early says nothing of what comes after its last entry. */
export function mergeReferrersPages(pages: readonly ReferrersPage[], page: Page): ReferrersPage {
  const ends = pages.flatMap(({ referrers, more }) => (more ? [referrers.at(-1)?.digest ?? ''] : []))
  const end = ends.sort()[0]
  // Members that come first win: their descriptors are written last.
  const known = pages.toReversed().flatMap(({ referrers }) => referrers)
  const sure = end === undefined ? known : known.filter(({ digest }) => digest <= end)
  const merged = mergeReferrers(sure, [], page, [])
  return { ...merged, more: merged.more || end !== undefined }
}

/**
 * A page of the names that `isWanted`, of a list that has others between them: reads on until the page is full.
 */
export async function readWanted(
  list: (page: Page) => Promise<string[]>,
  isWanted: (name: string) => boolean,
  page: Page,
): Promise<string[]> {
  const wanted: string[] = []
  let { last } = page
  while (wanted.length < page.limit) {
    const names = await list({ last, limit: page.limit })
    wanted.push(...names.filter(isWanted))
    if (names.length < page.limit) break
    last = names.at(-1) as string
  }
  return wanted.slice(0, page.limit)
}
