import type { Principal } from '../../../identity/principal.ts'
import type { Repositories, Repository } from '../../../repositories/repositories.ts'
import type { Page } from '../images/image-source.ts'
import type { Call, ProtocolParts } from './call.ts'
import { pageOf, pageResponse } from './pages.ts'

/** Docker's catalog: the images of all repositories that the caller may pull, in byte order of the names they can be pulled by. */
export async function listCatalog(call: Call): Promise<Response> {
  const { parts, principal } = call
  const page = pageOf(call, parts.maxCatalog)
  const lists = await Promise.all(
    parts.repositories.all().map((repository) => namesIn(parts, principal, repository, page)),
  )
  const names = lists.flat().sort((a, b) => (a < b ? -1 : 1))
  return pageResponse(call, '/v2/_catalog', page, names, (entries) => ({ repositories: entries }))
}

/**
 * The name an image is listed under: in the default repository without the repository's name. Undefined for an image there that
 * cannot be pulled by it, because its first segment is the name of a repository.
 */
export function listedName(repositories: Repositories, repository: Repository, image: string): string | undefined {
  const name = prefixOf(repositories, repository) + image
  const located = repositories.locate(name)
  return located.repository === repository && located.image === image ? name : undefined
}

function prefixOf(repositories: Repositories, repository: Repository): string {
  return repository === repositories.default ? '' : `${repository.name}/`
}

/** Names after `last`, one more than the page where there are as many: what the caller may not see does not shorten a page. */
async function namesIn(
  { repositories, imagesOf, decide }: ProtocolParts,
  principal: Principal,
  repository: Repository,
  { last, limit }: Page,
): Promise<string[]> {
  const prefix = prefixOf(repositories, repository)
  if (!last.startsWith(prefix) && prefix < last) return []
  const images = imagesOf(repository)
  const names: string[] = []
  let after: string | undefined = last.startsWith(prefix) ? last.slice(prefix.length) : ''
  while (after !== undefined && names.length <= limit) {
    const some: string[] = await images.images({ last: after, limit: limit + 1 })
    for (const image of some) {
      const name = listedName(repositories, repository, image)
      if (name !== undefined && decide(principal, 'pull', { repository: repository.name, image })) names.push(name)
    }
    after = some.length > limit ? some.at(-1) : undefined
  }
  return names
}
