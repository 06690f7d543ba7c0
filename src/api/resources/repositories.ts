import { z } from '@hono/zod-openapi'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint } from '../endpoint.ts'
import { isVisible, repositoryParams, visibleRepository } from '../in-repository.ts'
import { RepositorySchema, repositoryForm } from '../repository-form.ts'
import { actorOf } from '../told.ts'

/** The repositories in which the caller may pull something. */
export function addRepositories(api: Api, parts: ApiParts): void {
  const { decide, repositories, repositoriesAs } = parts

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/repositories',
      tag: 'repositories',
      summary: 'All repositories',
      access: 'list',
      answer: z.array(RepositorySchema),
    },
    async ({ caller, incoming }) => {
      const views = new Map((await repositoriesAs(actorOf(caller, incoming)).list()).map((one) => [one.name, one]))
      return repositories
        .all()
        .filter((one) => isVisible(parts, caller, one.name))
        .map((one) => repositoryForm(parts, caller, one, views.get(one.name)))
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/repositories/{repository}',
      tag: 'repositories',
      summary: 'One repository; its ETag is for If-Match',
      access: 'list',
      request: { params: repositoryParams },
      answer: RepositorySchema,
      also: { 404: 'there is no such repository' },
    },
    async ({ params, caller, incoming, header }) => {
      const repository = visibleRepository(parts, caller, params.repository)
      const view = await repositoriesAs(actorOf(caller, incoming)).get(repository.name)
      if (view) header('etag', `"${view.version}"`)
      return repositoryForm(parts, caller, repository, view)
    },
  )
}
