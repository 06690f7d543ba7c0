import { z } from '@hono/zod-openapi'
import { summarizeImages } from '../../database/browse.ts'
import { allowedEntries } from '../../formats/docker/images/allowed-entries.ts'
import type { Page } from '../../formats/docker/images/image-source.ts'
import { mayDo } from '../../formats/docker/images/targets.ts'
import { offlineRepository } from '../../repositories/repositories.ts'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint } from '../endpoint.ts'
import { repositoryParams, visibleRepository } from '../in-repository.ts'
import { linkToNext, pageOf } from '../pages.ts'

const ImageSchema = z
  .object({ name: z.string(), tags: z.number().int(), updatedAt: z.iso.datetime().nullable() })
  .openapi('Image')

/** Images of a repository that the caller may pull, in byte order. Of a proxy those that are cached. */
export function addImages(api: Api, parts: ApiParts): void {
  const { db, decide, imagesOf, reachOf } = parts
  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/repositories/{repository}/images',
      tag: 'images',
      summary: 'Images of a repository',
      access: 'list',
      request: {
        params: repositoryParams,
        query: z.object({ ...pageOf(100, 1000), search: z.string().max(255).default('') }),
      },
      answer: z.array(ImageSchema),
      also: { 404: 'there is no such repository' },
    },
    async ({ params, query: { limit, after = '', search }, caller, incoming, header }) => {
      const repository = visibleRepository(parts, caller, params.repository)
      if (repository.offline !== undefined) throw offlineRepository(repository)
      const images = imagesOf(repository)
      const list = async (page: Page) =>
        search === '' ? images.images(page) : (await images.search(search, page)).map(({ name }) => name)
      const { principal } = caller
      const isAllowed = (image: string) => mayDo(parts, principal, 'pull', { repository, image })
      const names = await allowedEntries({ principal, repository, reachOf }, list, String, isAllowed, {
        last: after,
        limit,
      })
      linkToNext(incoming, header, names.length > limit ? names[limit - 1] : undefined)
      const shown = names.slice(0, limit)
      const summaries =
        repository.type === 'group'
          ? shown.map((name) => ({ name, tags: 0, updatedAt: null }))
          : await summarizeImages(db.queries, repository.id, shown)
      return summaries.map(({ updatedAt, ...rest }) => ({
        ...rest,
        updatedAt: updatedAt === null ? null : new Date(updatedAt).toISOString(),
      }))
    },
  )
}
