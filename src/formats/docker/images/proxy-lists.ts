import type { Digest } from '../../../content/digest.ts'
import type { UpstreamList } from '../../../upstream/lists.ts'
import type { Upstream } from '../../../upstream/upstream.ts'
import type { Page, Referrer } from './image-source.ts'

/** No list is followed further than this many pages of the upstream. */
const maxPages = 50

/** So many referrers of one subject are read of an upstream; what comes after them in its list is not told. */
const maxReferrers = 10_000

/**
 * One page of the upstream's tags in our order, whatever its own pages and its own order are. Of a list in our order no more is read than the page needs; of
 * another one all is read, and only what may be part of the page is kept. Undefined: it has no such image.
 */
export async function listUpstreamTags(upstream: Upstream, image: string, { last, limit }: Page) {
  const ordered = await readTags(upstream, image, { last, limit }, true)
  return ordered === 'unordered' ? readTags(upstream, image, { last, limit }, false) : ordered
}

async function readTags(
  upstream: Upstream,
  image: string,
  { last, limit }: Page,
  isOrdered: true,
): Promise<string[] | 'unordered' | undefined>
async function readTags(
  upstream: Upstream,
  image: string,
  { last, limit }: Page,
  isOrdered: false,
): Promise<string[] | undefined>
async function readTags(upstream: Upstream, image: string, { last, limit }: Page, isOrdered: boolean) {
  let tags: string[] = []
  let before = ''
  let next: string | undefined
  for (let pages = 0; pages < maxPages; pages++) {
    const page = await upstream.tags(
      image,
      next === undefined ? { limit, ...(isOrdered && last && { last }) } : { next },
    )
    if (!page) return undefined
    for (const tag of page.entries) {
      if (isOrdered && tag < before) return 'unordered'
      before = tag
      if (tag > last) tags.push(tag)
    }
    if (tags.length > limit) tags = smallest(tags, limit)
    next = page.next
    if (next === undefined || (isOrdered && tags.length >= limit)) break
  }
  return smallest(tags, limit)
}

function smallest(tags: string[], limit: number): string[] {
  return [...new Set(tags)].sort().slice(0, limit)
}

/** All referrers that the upstream tells of. Filtering is ours: not every upstream does it. */
export async function listUpstreamReferrers(upstream: Upstream, image: string, subject: Digest): Promise<Referrer[]> {
  const found: Referrer[] = []
  let next: string | undefined
  for (let pages = 0; pages < maxPages && found.length < maxReferrers; pages++) {
    const page: UpstreamList<Referrer> = await upstream.referrers(image, subject, next === undefined ? {} : { next })
    found.push(...page.entries.slice(0, maxReferrers - found.length))
    next = page.next
    if (next === undefined) break
  }
  return found
}
