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

/** Where to search: the base of `/v1/search`. Undefined: at the upstream itself. */
export function searchBase(index: string | undefined, upstream: URL): URL | undefined {
  if (index === 'hub' || (index === undefined && isDockerHub(upstream))) return new URL(hubIndex)
  if (index === undefined || index === 'upstream') return undefined
  return new URL(index.replace(/\/+(?:v1\/*)?$/, ''))
}

/** The finds in an answer of `/v1/search`; entries without a name are left out. */
export function findsOf(body: Record<string, unknown>): UpstreamFind[] {
  const results: unknown[] = Array.isArray(body['results']) ? body['results'] : []
  return results.flatMap((entry) => {
    const { name, description, star_count, is_official, is_automated } = (entry ?? {}) as Record<string, unknown>
    if (typeof name !== 'string' || name === '') return []
    return [
      {
        name,
        description: typeof description === 'string' ? description : '',
        stars: typeof star_count === 'number' ? star_count : 0,
        official: is_official === true,
        automated: is_automated === true,
      },
    ]
  })
}

/** Names that contain the term, as finds: what is left where there is no search. */
export function findsAmong(names: readonly string[], term: string, limit: number): UpstreamFind[] {
  const found = names.filter((name) => name.includes(term)).slice(0, limit)
  return found.map((name) => ({ name, description: '', stars: 0, official: false, automated: false }))
}
