import type { Handler } from '../../../http/incoming.ts'
import type { ProtocolParts } from './call.ts'
import { asAppError, errorResponse, unauthenticated } from './errors.ts'

/** Docker's `docker search` asks for at most 100 results, 25 when it says nothing. */
const maxResults = 100
const defaultResults = 25

/** What is left of the first registry protocol: the ping that `docker search` starts with, and the search itself. */
export function createV1({ repositories, imagesOf, authenticator, decide }: ProtocolParts): Handler {
  return async (incoming) => {
    try {
      if (incoming.path === '/v1/_ping') {
        return Response.json(true, { headers: { 'x-docker-registry-standalone': 'true' } })
      }
      if (incoming.path !== '/v1/search') {
        return Response.json({ error: 'Docker registry protocol v1 is gone: use Docker 1.6 or newer' }, { status: 404 })
      }
      const credentials = incoming.headers.get('authorization') ?? undefined
      const principal = await authenticator.authenticate(credentials, incoming)
      // Podman searches here without credentials first; told no, it lists the catalog with them.
      if (!decide(principal, 'list')) throw unauthenticated(authenticator)
      const { query } = incoming
      const term = (query.get('q') ?? '').trim()
      const wanted = Number(query.get('n') ?? query.get('page_size') ?? defaultResults)
      const limit = Math.min(Math.max(Number.isInteger(wanted) ? wanted : defaultResults, 1), maxResults)
      const found = await Promise.all(
        repositories.all().map(async (repository) => {
          const prefix = repository === repositories.default ? '' : `${repository.name}/`
          const images = await imagesOf(repository).search(term, limit)
          const visible = images.filter((image) => decide(principal, 'pull', { repository: repository.name, image }))
          return visible.map((image) => prefix + image)
        }),
      )
      const names = found.flat().sort().slice(0, limit)
      return Response.json({
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
    } catch (error) {
      return errorResponse(asAppError(error), incoming.id)
    }
  }
}
