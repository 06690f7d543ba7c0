import type { Digest } from '../content/digest.ts'

/** Which part of a list. Without anything: the beginning, as long as the upstream likes. */
export interface UpstreamPage {
  /** At most so many entries, if the upstream cares. */
  limit?: number | undefined
  /** What comes after this entry. */
  last?: string | undefined
  /** What the page before gave as `next`. Wins over `last`. */
  next?: string | undefined
}

/** Entries as the upstream orders them, and how to ask for more. */
export interface UpstreamList<Entry> {
  entries: Entry[]
  /** For the next page; undefined at the end. */
  next: string | undefined
}

/** A descriptor out of a list of referrers. */
export interface UpstreamReferrer {
  mediaType: string
  size: number
  digest: string
  artifactType?: string
  annotations?: Record<string, string>
}

/** The query of a list request: `?n=..&last=..`, or empty. */
export function pageQuery({ limit, last, next }: UpstreamPage, more: Record<string, string | undefined> = {}): string {
  if (next !== undefined) return `?${next}`
  const query = new URLSearchParams()
  if (limit !== undefined) query.set('n', String(limit))
  if (last !== undefined) query.set('last', last)
  for (const [name, value] of Object.entries(more)) if (value !== undefined) query.set(name, value)
  return query.size === 0 ? '' : `?${query}`
}

/**
 * What stands behind the `?` of `Link: <...>; rel="next"`. Only that is used: upstreams behind reverse proxies are often wrong about their own address,
 * and none is to choose where we go.
 */
export function nextOf(headers: Headers): string | undefined {
  for (const [, target = '', rest = ''] of (headers.get('link') ?? '').matchAll(/<([^>]*)>([^<]*)/g)) {
    if (/;\s*rel="?next"?/i.test(rest) && target.includes('?')) return target.slice(target.indexOf('?') + 1)
  }
  return undefined
}

/** The texts in a field, which old servers send as null when it is empty. */
export function textsOf(body: Record<string, unknown>, field: string): string[] {
  const list = body[field]
  return Array.isArray(list) ? list.filter((entry) => typeof entry === 'string') : []
}

/** The descriptors of an index. Entries without digest, size and type are left out. */
export function referrersOf(body: Record<string, unknown>, artifactType: string | undefined): UpstreamReferrer[] {
  const list: unknown[] = Array.isArray(body['manifests']) ? body['manifests'] : []
  return list.filter(isReferrer).filter((one) => artifactType === undefined || one.artifactType === artifactType)
}

/** The tag under which registries without a referrers API keep the list: distribution-spec, "Referrers Tag Schema". */
export function referrersTag(digest: Digest): string {
  return digest.replace(':', '-').slice(0, 128)
}

function isReferrer(entry: unknown): entry is UpstreamReferrer {
  if (typeof entry !== 'object' || entry === null) return false
  const { mediaType, digest, size } = entry as Record<string, unknown>
  return typeof mediaType === 'string' && typeof digest === 'string' && typeof size === 'number'
}
