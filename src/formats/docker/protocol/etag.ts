import type { Incoming } from '../../../http/incoming.ts'

/** Whether `If-None-Match` names this digest, quoted, bare, weak, in a list, or as `*`: RFC 9110, 13.1.2. */
export function matchesEtag({ headers }: Incoming, digest: string): boolean {
  const wanted = headers.get('if-none-match')
  if (wanted === null) return false
  return wanted.split(',').some((tag) => {
    const bare = tag.trim().replace(/^W\//, '').replaceAll('"', '')
    return bare === digest || bare === '*'
  })
}
