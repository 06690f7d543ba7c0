import { z } from '@hono/zod-openapi'
import type { Repository } from '../../repositories/repositories.ts'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint } from '../endpoint.ts'
import { isVisible, repositoryParams, visibleRepository } from '../in-repository.ts'

const RepositorySchema = z
  .object({
    name: z.string(),
    format: z.literal('docker'),
    type: z.enum(['hosted', 'proxy', 'group']),
    default: z.boolean().openapi({ description: 'serves images whose first segment names no repository' }),
    blobStore: z.string(),
    writePolicy: z.string(),
    upstream: z.object({ url: z.string() }).optional(),
    members: z.array(z.string()).optional(),
    writableMember: z.string().optional(),
  })
  .openapi('Repository')

/** The repositories in which the caller may pull something. */
export function addRepositories(api: Api, parts: ApiParts): void {
  const { decide, repositories } = parts
  const publicForm = (repository: Repository) => ({
    name: repository.name,
    format: 'docker' as const,
    type: repository.type,
    default: repository === repositories.default,
    blobStore: repository.store,
    writePolicy: repository.writePolicy,
    ...(repository.type === 'proxy' && { upstream: { url: repository.upstream.url } }),
    ...(repository.type === 'group' && {
      members: repository.members.map((member) => member.repository),
      ...(repository.writableMember !== undefined && { writableMember: repository.writableMember }),
    }),
  })

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
    ({ caller }) =>
      repositories
        .all()
        .filter((one) => isVisible(parts, caller, one.name))
        .map(publicForm),
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/repositories/{repository}',
      tag: 'repositories',
      summary: 'One repository',
      access: 'list',
      request: { params: repositoryParams },
      answer: RepositorySchema,
      also: { 404: 'there is no such repository' },
    },
    ({ params, caller }) => publicForm(visibleRepository(parts, caller, params.repository)),
  )
}
