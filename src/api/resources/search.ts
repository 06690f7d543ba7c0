import { z } from '@hono/zod-openapi'
import { allowedEntries } from '../../formats/docker/images/allowed-entries.ts'
import type { Page } from '../../formats/docker/images/image-source.ts'
import { mayDo } from '../../formats/docker/images/targets.ts'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint } from '../endpoint.ts'

const FoundSchema = z.object({ repository: z.string(), image: z.string() }).openapi('Found')
/** Names looked at in one repository before it is left: somebody who may see little must not make us read everything at each keystroke. */
const mostLooked = 5000

/** Images whose name contains a text, in all repositories but groups, which only show what is in others. */
export function addSearch(api: Api, parts: ApiParts): void {
  const { decide, repositories, imagesOf, reachOf } = parts
  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/search',
      tag: 'images',
      summary: 'Images by a part of their name',
      access: 'list',
      request: {
        query: z.object({ q: z.string().min(1).max(255), limit: z.coerce.number().int().min(1).max(100).default(20) }),
      },
      answer: z.array(FoundSchema),
    },
    async ({ query: { q, limit }, caller }) => {
      const stores = repositories.all().filter(({ type, offline }) => type !== 'group' && offline === undefined)
      const lists = await Promise.all(
        stores.map(async (repository) => {
          const { principal } = caller
          const isAllowed = (image: string) => mayDo(parts, principal, 'pull', { repository, image })
          let looked = 0
          const list = async (page: Page) => {
            looked += page.limit
            return looked > mostLooked ? [] : imagesOf(repository).search(q, page)
          }
          const where = { principal, repository, reachOf }
          const hits = await allowedEntries(where, list, ({ name }) => name, isAllowed, { last: '', limit })
          return hits.map(({ name }) => ({ repository: repository.name, image: name }))
        }),
      )
      // What begins with the text, or is called so, is what most people mean.
      const rank = ({ image }: { image: string }) =>
        image === q ? 0 : image.startsWith(q) ? 1 : image.endsWith(`/${q}`) ? 1 : 2
      return lists
        .flat()
        .sort((a, b) => rank(a) - rank(b) || (a.image < b.image ? -1 : 1))
        .slice(0, limit)
    },
  )
}
