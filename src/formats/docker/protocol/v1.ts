import { AppError } from '../../../errors.ts'
import { headOf } from '../../../http/compose.ts'
import type { Handler, Incoming } from '../../../http/incoming.ts'
import { admit } from './admit.ts'
import type { ProtocolParts } from './call.ts'
import { errorResponse } from './errors.ts'
import { jsonResponse } from './json.ts'
import { searchAll } from './search.ts'

/** Docker's `docker search` asks for at most 100 results, 25 when it says nothing. */
const maxResults = 100
const defaultResults = 25

/** So many results can be leafed through; who wants more has to ask more precisely. */
const maxLeafed = 1000

/** No name is longer, so nothing longer is worth asking the database for. */
const maxTermLength = 255

/** What is left of the first registry protocol: the ping that `docker search` starts with, and the search itself. */
export function createV1(parts: ProtocolParts): Handler {
  return async (incoming) => {
    let response: Response
    try {
      response = await answer(parts, incoming)
    } catch (thrown) {
      response = errorResponse(thrown, incoming, parts.log)
    }
    return incoming.method === 'HEAD' ? headOf(response) : response
  }
}

async function answer(parts: ProtocolParts, incoming: Incoming): Promise<Response> {
  const handle = { '/v1/_ping': ping, '/v1/search': search }[incoming.path]
  if (!handle)
    return jsonResponse(
      { error: 'version 1 of the registry protocol is gone: use Docker 1.6 or newer' },
      { status: 404 },
    )
  if (incoming.method === 'GET' || incoming.method === 'HEAD') return handle(parts, incoming)
  throw new AppError('method-unsupported', `${incoming.method} is not supported here`, {
    headers: { allow: 'GET, HEAD' },
  })
}

function ping(): Response {
  return jsonResponse(true, { headers: { 'x-docker-registry-standalone': 'true' } })
}

/**
 * Who is unknown gets a challenge rather than an empty list: podman searches without credentials first, and only when that is refused
 * does it ask the catalog with them.
 */
async function search(parts: ProtocolParts, incoming: Incoming): Promise<Response> {
  const principal = await admit(parts, incoming, 'list')
  const { query } = incoming
  const term = (query.get('q') ?? '').trim()
  const limit = numberOf(query.get('n') ?? query.get('page_size'), defaultResults, maxResults)
  const page = numberOf(query.get('page'), 1, maxLeafed)
  const end = page * limit
  // One more, to know whether there is another page.
  const known = isSearchable(term) && end <= maxLeafed ? await searchAll(parts, principal, term, end + 1) : []
  return jsonResponse({
    query: term,
    num_results: known.length,
    num_pages: Math.max(1, Math.ceil(known.length / limit)),
    page,
    page_size: limit,
    results: known.slice(end - limit, end).map(({ name, description, stars, official, automated }) => ({
      name,
      description,
      star_count: stars,
      is_official: official,
      is_automated: automated,
    })),
  })
}

function isSearchable(term: string): boolean {
  return term.length <= maxTermLength && !term.includes('\0')
}

/** A whole number from 1 to `max`; `usual` for what is none. */
function numberOf(text: string | null, usual: number, max: number): number {
  const wanted = text === null ? usual : Number(text)
  return Number.isInteger(wanted) ? Math.min(Math.max(wanted, 1), max) : usual
}
