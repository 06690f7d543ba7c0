import { AppError } from '../../../errors.ts'
import type { Page } from '../images/image-source.ts'
import { type Call, locationOf } from './call.ts'
import { jsonResponse } from './json.ts'

/** Reads `n` and `last`. More than `max` is cut to it, which a Link tells. Throws `page-invalid`: distribution-spec, "Listing Tags". */
export function pageOf({ incoming }: Call, max: number): Page {
  const n = incoming.query.get('n')
  if (n !== null && !/^\d{1,15}$/.test(n)) {
    throw new AppError('page-invalid', 'n is a whole number, 0 or more', { detail: { n: n.slice(0, 50) } })
  }
  const last = incoming.query.get('last') ?? ''
  // PostgreSQL takes no such text, and no name has it.
  if (last.includes('\0')) throw new AppError('page-invalid', 'last is the name that the page before ended with')
  return { last, limit: Math.min(n === null ? max : Number(n), max) }
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
  const last = page.at(-1)
  const link = last !== undefined && entries.length > limit ? nextLink(call, path, { limit, last }) : undefined
  return jsonResponse(body(page), link === undefined ? {} : { headers: { link } })
}

/** RFC 5988. `filters` are the other parameters that the next page needs. Podman cuts the header at its first semicolon: values are encoded. */
export function nextLink(call: Call, path: string, { limit, last }: Page, filters: [string, string][] = []): string {
  const parameters = new URLSearchParams([['n', String(limit)], ['last', last], ...filters])
  return `<${locationOf(call, path)}?${parameters}>; rel="next"`
}
