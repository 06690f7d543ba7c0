import { AppError } from '../../../errors.ts'
import type { Page } from '../images/image-source.ts'
import { type Call, locationOf } from './call.ts'

/** Reads `n` and `last`. More than `max` is cut to it, which a Link tells. Throws `page-invalid`: distribution-spec, "Listing Tags". */
export function pageOf({ incoming }: Call, max: number): Page {
  const n = incoming.query.get('n')
  if (n !== null && !/^\d{1,15}$/.test(n)) {
    throw new AppError('page-invalid', 'n is a whole number, 0 or more', { detail: { n: n.slice(0, 50) } })
  }
  return { last: incoming.query.get('last') ?? '', limit: Math.min(n === null ? max : Number(n), max) }
}

/** The answer to a list request: `entries` has one more than the page where there are more, which then is cut off. */
export function pageResponse<Entry extends string>(
  call: Call,
  path: string,
  { limit }: Page,
  entries: Entry[],
  body: (page: Entry[]) => unknown,
): Response {
  const page = entries.slice(0, limit)
  const headers: Record<string, string> = {}
  const last = page.at(-1)
  if (last !== undefined && entries.length > limit) headers['link'] = nextLink(call, path, { n: String(limit), last })
  return Response.json(body(page), { headers: { 'content-type': 'application/json', ...headers } })
}

/** RFC 5988. Podman cuts the header at its first semicolon: values are encoded. */
export function nextLink(call: Call, path: string, parameters: Record<string, string>): string {
  return `<${locationOf(call, path)}?${new URLSearchParams(parameters)}>; rel="next"`
}
