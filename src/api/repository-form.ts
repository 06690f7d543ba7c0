import { z } from '@hono/zod-openapi'
import { repositoryActions } from '../access/decide.ts'
import { repository as entry } from '../config/settings/repositories.ts'
import type { Repository } from '../repositories/repositories.ts'
import type { RepositoryView } from '../repositories/service.ts'
import type { ApiParts } from './api.ts'
import type { Caller } from './caller.ts'
import { mayInAll } from './endpoint.ts'
import { schemaOfForm } from './form-schema.ts'
import { UpstreamStatusSchema, upstreamForm } from './upstream-form.ts'

export const RepositorySettingsSchema = schemaOfForm(entry, { nullable: false }).openapi('RepositorySettings', {
  description:
    'a repository in the words of the configuration file; secrets are shown as ***, and stay when they come back so',
})
export const RepositoryPatchSchema = schemaOfForm(entry, { nullable: true }).openapi('RepositoryPatch', {
  description: 'what is null goes back to its default; lists are replaced whole (RFC 7396)',
})

export const RepositorySchema = z
  .object({
    name: z.string(),
    format: z.literal('docker'),
    type: z.enum(['hosted', 'proxy', 'group']),
    default: z.boolean().openapi({ description: 'serves images whose first segment names no repository' }),
    online: z.boolean(),
    description: z.string(),
    blobStore: z.string(),
    writePolicy: z.string(),
    mutableTags: z.array(z.string()),
    quota: z.object({ bytes: z.number().optional(), tags: z.number().optional() }).optional(),
    upstream: z.object({ url: z.string() }).optional(),
    members: z.array(z.string()).optional(),
    writableMember: z.string().optional(),
    may: z.array(z.enum(repositoryActions)).openapi({ description: 'what the caller may do with all of it' }),
    managed: z
      .object({
        by: z.enum(['file', 'database']).openapi({ description: '`file`: changed in the configuration file alone' }),
        trouble: z.string().optional().openapi({ description: 'why it answers nothing although it is online' }),
        createdAt: z.iso.datetime(),
        settings: RepositorySettingsSchema,
        upstream: UpstreamStatusSchema.extend({ hasPassword: z.boolean() }).optional(),
      })
      .optional()
      .openapi({ description: 'for those who may manage it' }),
  })
  .openapi('Repository')

/** A repository as the API shows it to this caller. `view` is what its service says of it. */
export function repositoryForm(
  parts: Pick<ApiParts, 'decide' | 'repositories' | 'upstreams'>,
  { principal }: Caller,
  repository: Repository,
  view: RepositoryView | undefined,
): z.input<typeof RepositorySchema> {
  const may = repositoryActions.filter((action) => mayInAll(parts.decide, principal, action, repository.name))
  const { bytes, tags } = repository.quota ?? {}
  const description = view?.settings['description']
  return {
    name: repository.name,
    format: 'docker',
    type: repository.type,
    default: repository === parts.repositories.default,
    online: repository.offline === undefined,
    description: typeof description === 'string' ? description : '',
    blobStore: repository.store,
    writePolicy: repository.writePolicy,
    mutableTags: [...(repository.mutableTags ?? [])],
    ...(repository.quota && { quota: { ...(bytes !== undefined && { bytes }), ...(tags !== undefined && { tags }) } }),
    ...(repository.type === 'proxy' && { upstream: { url: repository.upstream.url } }),
    ...(repository.type === 'group' && {
      members: repository.members.map((member) => member.repository),
      ...(repository.writableMember !== undefined && { writableMember: repository.writableMember }),
    }),
    may,
    ...(view && may.includes('manage-repository') && { managed: managedForm(parts, repository, view) }),
  }
}

function managedForm({ upstreams }: Pick<ApiParts, 'upstreams'>, repository: Repository, view: RepositoryView) {
  const { managedBy, trouble, createdAt, settings } = view
  return {
    by: managedBy,
    ...(trouble !== undefined && { trouble }),
    createdAt: new Date(createdAt).toISOString(),
    settings,
    ...(repository.type === 'proxy' && {
      upstream: {
        ...upstreamForm(upstreams.of(repository).state()),
        hasPassword: repository.upstream.password !== undefined,
      },
    }),
  }
}
