import { z } from '@hono/zod-openapi'
import type { Incoming } from '../http/incoming.ts'

/** Query parameters of every list: how many, and after which one. */
export function pageOf(usual: number, most: number) {
  return {
    limit: z.coerce.number().int().min(1).max(most).default(usual),
    after: z.string().max(500).optional().openapi({ description: 'as the `Link` to the next page has it' }),
  }
}

/** Adds the `Link` to what comes after `last`; nothing when that was the end. */
export function linkToNext(
  { query, path, origin }: Incoming,
  header: (name: string, value: string) => void,
  last: string | number | undefined,
): void {
  if (last === undefined) return
  const next = new URLSearchParams(query)
  next.set('after', String(last))
  header('link', `<${origin.prefix}${path}?${next}>; rel="next"`)
}
