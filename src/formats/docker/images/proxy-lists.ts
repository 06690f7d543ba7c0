import type { Digest } from '../../../content/digest.ts'
import type { UpstreamList } from '../../../upstream/lists.ts'
import type { Upstream } from '../../../upstream/upstream.ts'
import type { Page, Referrer } from './image-source.ts'

/** No list is followed further than this many pages of the upstream. */
const maxPages = 50

/** One page of the upstream's tags in our order, whatever its own pages are. Undefined: it has no such image. */
export async function listUpstreamTags(upstream: Upstream, image: string, { last, limit }: Page) {
  const tags = new Set<string>()
  let next: string | undefined
  for (let pages = 0; pages < maxPages; pages++) {
    const page = await upstream.tags(image, next === undefined ? { limit, ...(last && { last }) } : { next })
    if (!page) return undefined
    for (const tag of page.entries) if (tag > last) tags.add(tag)
    next = page.next
    if (next === undefined || tags.size >= limit) break
  }
  return [...tags].sort().slice(0, limit)
}

/** All referrers that the upstream tells of. Filtering is ours: not every upstream does it. */
export async function listUpstreamReferrers(upstream: Upstream, image: string, subject: Digest): Promise<Referrer[]> {
  const found: Referrer[] = []
  let next: string | undefined
  for (let pages = 0; pages < maxPages; pages++) {
    const page: UpstreamList<Referrer> = await upstream.referrers(image, subject, next === undefined ? {} : { next })
    found.push(...page.entries)
    next = page.next
    if (next === undefined) break
  }
  return found
}
