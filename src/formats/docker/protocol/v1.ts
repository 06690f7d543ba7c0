import { AppError } from '../../../errors.ts'
import { headOf } from '../../../http/compose.ts'
import type { Handler, Incoming } from '../../../http/incoming.ts'
import type { ProtocolParts } from './call.ts'
import { admit } from './dispatch.ts'
import { errorResponse } from './errors.ts'
import { jsonResponse } from './json.ts'
import { visibleNames } from './visible.ts'

/** Docker's `docker search` asks for at most 100 results, 25 when it says nothing. */
const maxResults = 100
const defaultResults = 25

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
  const principal = await admit(parts, incoming, { action: 'list' })
  const { repositories, imagesOf } = parts
  const { query } = incoming
  const term = (query.get('q') ?? '').trim()
  const limit = resultsWanted(query.get('n') ?? query.get('page_size'))
  const searched = term.length > maxTermLength || term.includes('\0') ? [] : repositories.all()
  const found = await Promise.all(
    searched.map((repository) => {
      const images = imagesOf(repository)
      return visibleNames(parts, principal, repository, (page) => images.search(term, page), { last: '', limit })
    }),
  )
  const names = found.flat().sort().slice(0, limit)
  return jsonResponse({
    query: term,
    num_results: names.length,
    num_pages: 1,
    page: 1,
    page_size: limit,
    results: names.map((name) => ({
      name,
      description: '',
      star_count: 0,
      is_official: false,
      is_automated: false,
    })),
  })
}

function resultsWanted(text: string | null): number {
  const wanted = text === null ? defaultResults : Number(text)
  return Number.isInteger(wanted) ? Math.min(Math.max(wanted, 1), maxResults) : defaultResults
}
