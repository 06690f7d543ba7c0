import type { Repository } from '../../../repositories/repositories.ts'
import type { Page } from '../images/image-source.ts'
import type { Call, ProtocolParts } from './call.ts'
import { pageOf, pageResponse } from './pages.ts'

/** Docker's catalog: the images of all repositories under the names they can be pulled by, those of the default repository without its name. */
export async function listCatalog(call: Call): Promise<Response> {
  const { parts, principal } = call
  const page = pageOf(call, parts.maxCatalog)
  const pages = await Promise.all(parts.repositories.all().map((repository) => namesIn(parts, repository, page)))
  const visible = pages.flat().filter(({ repository, image }) => parts.decide(principal, 'pull', { repository, image }))
  // A name can come twice: an image of the default repository that hides behind a repository of that name.
  const names = [...new Set(visible.map(({ name }) => name))].sort((a, b) => (a < b ? -1 : 1))
  return pageResponse(call, '/v2/_catalog', page, names, (entries) => ({ repositories: entries }))
}

async function namesIn(parts: ProtocolParts, repository: Repository, { last, limit }: Page) {
  const prefix = repository === parts.repositories.default ? '' : `${repository.name}/`
  if (!last.startsWith(prefix) && prefix < last) return []
  const images = await parts.imagesOf(repository).images({
    last: last.startsWith(prefix) ? last.slice(prefix.length) : '',
    limit: limit + 1,
  })
  return images.map((image) => ({ repository: repository.name, image, name: prefix + image }))
}
