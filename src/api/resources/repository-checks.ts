import { z } from '@hono/zod-openapi'
import type { JsonObject } from '../../config/form.ts'
import { repository as entry } from '../../config/settings/repositories.ts'
import { AppError } from '../../errors.ts'
import { probeUpstream, upstreamOfForm } from '../../repositories/probe.ts'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint, mayInAll } from '../endpoint.ts'
import { schemaOfForm } from '../form-schema.ts'
import { repositoryParams } from '../in-repository.ts'
import { refuseForeign } from '../repository-limits.ts'
import { actorOf } from '../told.ts'
import { UpstreamStatusSchema, upstreamForm } from '../upstream-form.ts'

const UsageSchema = z
  .object({
    bytes: z.number().openapi({ description: 'of blobs and manifests, each content counted once' }),
    tags: z.number().int(),
    images: z.number().int(),
  })
  .openapi('Usage')
const ProbeSchema = z
  .object({
    ok: z.boolean(),
    problem: z.string().optional().openapi({ description: 'what went wrong, in a sentence' }),
    tookMs: z.number().int(),
  })
  .openapi('ConnectionTest')
const UpstreamSchema = UpstreamStatusSchema.extend({ repository: z.string(), url: z.string() }).openapi('Upstream')
const UpstreamSettingsSchema = schemaOfForm(entry.fields.upstream, { nullable: false }).openapi('UpstreamSettings')

const gone = { 404: 'there is no such repository' }

/** How repositories and their upstreams are doing. */
export function addRepositoryChecks(api: Api, parts: ApiParts): void {
  const { decide, repositories, repositoriesAs, upstreams } = parts

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/repositories/{repository}/usage',
      tag: 'repositories',
      summary: 'What is in a repository; counted anew each time',
      access: { inRepository: 'push' },
      request: { params: repositoryParams },
      answer: UsageSchema,
      also: gone,
    },
    ({ params: { repository }, caller, incoming }) => {
      if (!repositories.named(repository)) throw unknown(repository)
      return repositoriesAs(actorOf(caller, incoming)).usageOf(repository)
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'post',
      path: '/repositories/{repository}/check',
      tag: 'repositories',
      summary: 'Tests the connection to the upstream of a proxy; a good one ends a block that failures began',
      access: { inRepository: 'manage-repository' },
      request: { params: repositoryParams },
      answer: ProbeSchema,
      also: gone,
    },
    async ({ params, caller, incoming }) => {
      const repository = repositories.named(params.repository)
      if (!repository) throw unknown(params.repository)
      if (repository.type !== 'proxy')
        throw new AppError('request-invalid', `repository ${repository.name} is no proxy: it has no upstream`)
      const probe = await probeUpstream({ name: repository.name, ...repository.upstream }, upstreams.fresh)
      const live = upstreams.of(repository)
      if (probe.ok && live.state().health.state === 'blocked') live.block(undefined)
      parts.tellChange(incoming, caller, 'repository.check', repository.name, repository.name, { ok: probe.ok })
      return probe
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'post',
      path: '/upstreams/check',
      tag: 'repositories',
      summary: 'Tests the connection to an upstream before there is a repository for it',
      access: 'admin',
      request: { body: UpstreamSettingsSchema },
      answer: ProbeSchema,
    },
    async ({ body, caller, incoming }) => {
      const upstream = body as JsonObject
      refuseForeign(parts, caller, undefined, { upstream })
      const settings = upstreamOfForm(upstream)
      const probe = await probeUpstream(settings, upstreams.fresh)
      parts.tellChange(incoming, caller, 'repository.check', '', new URL(settings.url).host, { ok: probe.ok })
      return probe
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/upstreams',
      tag: 'repositories',
      summary: 'How the upstreams of proxies are doing, as this instance has seen them; those the caller may manage',
      access: 'known',
      answer: z.array(UpstreamSchema),
    },
    ({ caller: { principal } }) =>
      repositories.all().flatMap((repository) => {
        if (repository.type !== 'proxy' || !mayInAll(decide, principal, 'manage-repository', repository.name)) return []
        const status = upstreamForm(upstreams.of(repository).state())
        return [{ repository: repository.name, url: repository.upstream.url, ...status }]
      }),
  )
}

function unknown(name: string): AppError {
  return new AppError('image-unknown', `there is no repository ${name}`)
}
