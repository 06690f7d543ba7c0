import { z } from '@hono/zod-openapi'
import { AppError } from '../../errors.ts'
import type { Repository } from '../../repositories/repositories.ts'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint } from '../endpoint.ts'
import { repositoryParams } from '../in-repository.ts'

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

/** The repositories that there are. */
export function addRepositories(api: Api, { decide, repositories }: ApiParts): void {
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
    () => repositories.all().map(publicForm),
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
    ({ params }) => {
      const repository = repositories.named(params.repository)
      if (!repository) throw new AppError('image-unknown', `there is no repository ${params.repository}`)
      return publicForm(repository)
    },
  )
}
