import { z } from '@hono/zod-openapi'
import { type JsonObject, mergeForm } from '../../config/form.ts'
import { AppError } from '../../errors.ts'
import type { Incoming } from '../../http/incoming.ts'
import type { RepositoryView } from '../../repositories/service.ts'
import type { ApiParts } from '../api.ts'
import type { Caller } from '../caller.ts'
import { type Api, addEndpoint, type Call } from '../endpoint.ts'
import { repositoryParams } from '../in-repository.ts'
import { JobSchema, jobForm } from '../job-form.ts'
import {
  RepositoryPatchSchema,
  RepositorySchema,
  RepositorySettingsSchema,
  repositoryForm,
} from '../repository-form.ts'
import { refuseForeign } from '../repository-limits.ts'
import { actorOf } from '../told.ts'

const path = '/repositories/{repository}'
const gone = { 404: 'there is no such repository' }
const changed = { ...gone, 412: 'it has changed since it was read (If-Match)' }
const moved = 'Another blobStore is reached by a job: 202, and everything else has been changed.'

/** Makes, changes and removes repositories, by those who may manage them. */
export function addRepositoryChanges(api: Api, parts: ApiParts): void {
  const { decide, repositories, repositoriesAs, jobs } = parts
  const serviceFor = ({ caller, incoming }: { caller: Caller; incoming: Incoming }) =>
    repositoriesAs(actorOf(caller, incoming), incoming.id)

  async function viewOf(call: Pick<Call<{ params: typeof repositoryParams }>, 'params' | 'caller' | 'incoming'>) {
    const { repository } = call.params
    const view = await serviceFor(call).get(repository)
    if (!view) throw new AppError('image-unknown', `there is no repository ${repository}`)
    return view
  }

  function formOf(caller: Caller, view: RepositoryView, header: (name: string, value: string) => void) {
    const repository = repositories.named(view.name)
    if (!repository) throw new AppError('internal', `repository ${view.name} was changed and is not there`)
    header('etag', `"${view.version}"`)
    return repositoryForm(parts, caller, repository, view)
  }

  /** What a change relies on: what the caller says, and for whom not everything is allowed what was looked at to find out whether it is. */
  function versionFor(
    { caller, incoming }: { caller: Caller; incoming: Incoming },
    looked: RepositoryView | undefined,
  ) {
    return ifMatch(incoming) ?? (decide(caller.principal, 'administer') ? undefined : looked?.version)
  }

  /** The job that brings a repository to another store. */
  async function moveTo(
    store: string,
    name: string,
    { caller, incoming, header, reply }: Pick<Call<object>, 'caller' | 'incoming' | 'header' | 'reply'>,
  ) {
    const known = Object.keys(parts.config.blobStores)
    if (!known.includes(store))
      throw new AppError('request-invalid', `there is no blob store ${store}; there are: ${known.join(', ')}`)
    const { job, isNew } = await jobs.start({
      kind: 'repository.move',
      object: name,
      parameters: { store },
      by: actorOf(caller, incoming),
    })
    if (!isNew && job.parameters['store'] !== store)
      throw new AppError('policy-refused', `job ${job.id} moves ${name} elsewhere just now: cancel it first`)
    header('location', `${incoming.origin.prefix}/api/v1/jobs/${job.id}`)
    return reply(202, jobForm(job))
  }

  addEndpoint(
    api,
    decide,
    {
      method: 'put',
      path,
      tag: 'repositories',
      summary: `Makes a repository, or makes one what this says. ${moved}`,
      access: { inRepository: 'manage-repository' },
      request: { params: repositoryParams, body: RepositorySettingsSchema },
      answer: RepositorySchema,
      more: { 201: RepositorySchema, 202: JobSchema },
      also: changed,
    },
    async (call) => {
      const { params, caller, header, reply } = call
      const name = params.repository
      const body = { ...(call.body as JsonObject), name }
      const given = (call.body as JsonObject)['name']
      if (given !== undefined && given !== name)
        throw new AppError('request-invalid', `name: the path says ${name}, and a repository keeps its name`)
      const service = serviceFor(call)
      const before = await service.get(name)
      refuseForeign(parts, caller, before?.settings, body)
      const store = before && storeOf(body)
      const isMove = store !== undefined && store !== storeOf(before!.settings)
      const form = isMove ? { ...body, blobStore: storeOf(before!.settings) } : body
      const { view, isNew } = await service.put(name, form, { version: versionFor(call, before) })
      if (isMove) return moveTo(store, name, call)
      const answer = formOf(caller, view, header)
      return isNew ? reply(201, answer) : answer
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'patch',
      path,
      tag: 'repositories',
      summary: `Changes a repository. ${moved}`,
      access: { inRepository: 'manage-repository' },
      request: { params: repositoryParams, body: RepositoryPatchSchema },
      answer: RepositorySchema,
      more: { 202: JobSchema },
      also: changed,
    },
    async (call) => {
      const { caller, header } = call
      const before = await viewOf(call)
      const { blobStore, ...changes } = call.body as JsonObject
      const after = mergeForm(before.settings, call.body as JsonObject)
      refuseForeign(parts, caller, before.settings, after)
      const isMove = blobStore !== undefined && storeOf(after) !== storeOf(before.settings)
      const options = { version: versionFor(call, before) }
      const isMoveAlone = isMove && Object.keys(changes).length === 0 && options.version === undefined
      const view = isMoveAlone ? before : await serviceFor(call).update(before.name, changes, options)
      return isMove ? moveTo(storeOf(after), before.name, call) : formOf(caller, view, header)
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'delete',
      path,
      tag: 'repositories',
      summary: 'Removes a repository',
      access: { inRepository: 'manage-repository' },
      request: {
        params: repositoryParams,
        query: z.object({
          withContent: z
            .enum(['true', 'false'])
            .default('false')
            .openapi({ description: 'with all that is in it; else only an empty one goes' }),
        }),
      },
      also: changed,
    },
    async (call) => {
      const { name } = await viewOf(call)
      const withContent = call.query.withContent === 'true'
      await serviceFor(call).remove(name, { withContent, version: ifMatch(call.incoming) })
      return undefined
    },
  )

  for (const online of [true, false])
    addEndpoint(
      api,
      decide,
      {
        method: 'post',
        path: `${path}/${online ? 'online' : 'offline'}`,
        tag: 'repositories',
        summary: online
          ? 'Lets a repository answer again'
          : 'Takes a repository offline: its images are refused with 503',
        access: { inRepository: 'manage-repository' },
        request: { params: repositoryParams },
        answer: RepositorySchema,
        also: gone,
      },
      async (call) => {
        const { name } = await viewOf(call)
        return formOf(call.caller, await serviceFor(call).setOnline(name, online), call.header)
      },
    )

  addEndpoint(
    api,
    decide,
    {
      method: 'post',
      path: `${path}/move`,
      tag: 'repositories',
      summary: 'Takes the content to another blob store, while it is served',
      access: 'admin',
      request: { params: repositoryParams, body: z.object({ blobStore: z.string().min(1).max(128) }) },
      answer: JobSchema,
      status: 202,
      also: gone,
    },
    async (call) => {
      const { name, type } = await viewOf(call)
      if (type === 'group')
        throw new AppError('request-invalid', `repository ${name} is a group, which keeps nothing: move its members`)
      return moveTo(call.body.blobStore, name, call)
    },
  )
}

/** The version that `If-Match` asks for; undefined: any. */
function ifMatch({ headers }: Incoming): string | undefined {
  const given = headers.get('if-match')?.trim()
  if (given === undefined || given === '*') return undefined
  return given.replace(/^W\//, '').replace(/^"|"$/g, '')
}

function storeOf(form: JsonObject): string {
  const { blobStore } = form
  return typeof blobStore === 'string' ? blobStore : 'default'
}
