import type { Page } from '../images/image-source.ts'
import type { Call } from './call.ts'
import { pageOf, pageResponse } from './pages.ts'
import { listPrefix, visibleNames } from './visible.ts'

/** Docker's catalog: the images of all repositories that the caller may pull, in byte order of the names they can be pulled by. */
export async function listCatalog(call: Call): Promise<Response> {
  const { parts, principal } = call
  const { repositories, imagesOf } = parts
  const page = pageOf(call, parts.maxCatalog)
  const lists = await Promise.all(
    repositories.all().map(async (repository) => {
      if (repository.offline !== undefined) return []
      const last = lastWithin(listPrefix(repositories, repository), page)
      if (last === undefined) return []
      const images = imagesOf(repository)
      return visibleNames(parts, principal, repository, (some) => images.images(some), { ...page, last })
    }),
  )
  const names = lists.flat().sort((a, b) => (a < b ? -1 : 1))
  return pageResponse(call, '/v2/_catalog', page, names, (entries) => ({ repositories: entries }))
}

/** Where a list of names with this prefix goes on after `last`. Undefined: all of them stand before it. */
function lastWithin(prefix: string, { last }: Page): string | undefined {
  if (last.startsWith(prefix)) return last.slice(prefix.length)
  return prefix < last ? undefined : ''
}
