import { type RudeAnswer, type RudeUpstream, respond, startRudeUpstream } from './rude-upstream.ts'

/** One image as an index tells of it. */
export interface IndexEntry {
  name: string
  description?: string
  star_count?: number
  is_official?: boolean
}

/** An index of images as Docker Hub has one: only `/v1/search`. */
export interface SearchIndex extends RudeUpstream {
  /** The terms it was asked for, in order. */
  terms(): string[]
  /** Answers instead of it while set. */
  rude: RudeAnswer | undefined
}

/** Starts an index that finds the entries whose names contain the term. */
export async function startSearchIndex(entries: IndexEntry[]): Promise<SearchIndex> {
  let index: SearchIndex | undefined
  const server = await startRudeUpstream(async (socket, request) => {
    if (index?.rude) return index.rude(socket, request)
    const { pathname, searchParams } = new URL(request.path, 'http://index')
    if (pathname !== '/v1/search') return respond(socket, 404)
    const found = entries.filter(({ name }) => name.includes(searchParams.get('q') ?? ''))
    const results = found.slice(0, Number(searchParams.get('n') ?? 25))
    respond(socket, 200, { 'content-type': 'application/json' }, JSON.stringify({ num_results: found.length, results }))
  })
  index = {
    ...server,
    rude: undefined,
    terms: () => server.requests.map(({ path }) => new URL(path, 'http://index').searchParams.get('q') ?? path),
  }
  return index
}
