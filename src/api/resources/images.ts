import { z } from '@hono/zod-openapi'
import { summarizeImages } from '../../database/browse.ts'
import { AppError } from '../../errors.ts'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint } from '../endpoint.ts'
import { repositoryParams } from '../in-repository.ts'
import { linkToNext, pageOf } from '../pages.ts'

const ImageSchema = z
  .object({ name: z.string(), tags: z.number().int(), updatedAt: z.iso.datetime().nullable() })
  .openapi('Image')

/** Images of a repository that the caller may pull, in byte order. Of a proxy those that are cached. */
export function addImages(api: Api, { db, decide, repositories, imagesOf }: ApiParts): void {
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
      const repository = repositories.named(params.repository)
      if (!repository) throw new AppError('image-unknown', `there is no repository ${params.repository}`)
      const images = imagesOf(repository)
      const names: string[] = []
      let last: string | undefined = after
      while (last !== undefined && names.length <= limit) {
        const page = { last, limit: limit + 1 }
        const found: string[] = search === '' ? await images.images(page) : await images.search(search, page)
        for (const image of found)
          if (decide(caller.principal, 'pull', { repository: repository.name, image })) names.push(image)
        last = found.length > limit ? found.at(-1) : undefined
      }
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
