import { isDockerHub } from './names.ts'

/** One find of a search. */
export interface UpstreamFind {
  name: string
  description: string
  stars: number
  official: boolean
  automated: boolean
}

/** Docker Hub's own search, which stands on another host than its registry. */
const hubIndex = 'https://index.docker.io'

/** Where an upstream's images are searched for. */
export type SearchIndex = 'auto' | 'upstream' | 'hub' | 'none' | (string & {})

/** Where to search: the base of `/v1/search`, or the upstream itself. Undefined: nowhere. */
export function searchBase(index: SearchIndex, upstream: URL): URL | 'upstream' | undefined {
  if (index === 'none') return undefined
  if (index === 'hub' || (index === 'auto' && isDockerHub(upstream))) return new URL(hubIndex)
  if (index === 'auto' || index === 'upstream') return 'upstream'
  const elsewhere = new URL(index.replace(/\/+(?:v1\/*)?$/, ''))
  return elsewhere.href === upstream.href ? 'upstream' : elsewhere
}

/** Bytes of an answer of an index: a hundred results have a tenth of it. */
export const maxIndexBytes = 1 << 20

/** Characters of a description that are passed on. */
const maxDescription = 500

/** The finds in an answer of `/v1/search`; entries without a name are left out. */
export function findsOf(body: Record<string, unknown>): UpstreamFind[] {
  const results: unknown[] = Array.isArray(body['results']) ? body['results'] : []
  return results.flatMap((entry) => {
    const { name, description, star_count, is_official, is_automated } = (entry ?? {}) as Record<string, unknown>
    if (typeof name !== 'string' || name === '') return []
    return [
      {
        name,
        description: typeof description === 'string' ? oneLine(description) : '',
        stars: Number.isSafeInteger(star_count) ? Math.max(0, star_count as number) : 0,
        official: is_official === true,
        automated: is_automated === true,
      },
    ]
  })
}

/** Descriptions end up in terminals. */
function oneLine(text: string): string {
  const start = text.slice(0, 4 * maxDescription).replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
  return start.trim().slice(0, maxDescription)
}

/** Names that contain the term, as finds: what is left where there is no search. */
export function findsAmong(names: readonly string[], term: string, limit: number): UpstreamFind[] {
  const found = names.filter((name) => name.includes(term)).slice(0, limit)
  return found.map((name) => ({ name, description: '', stars: 0, official: false, automated: false }))
}
