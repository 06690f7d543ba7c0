import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import type { Action, Decide, RepositoryAction } from '../access/decide.ts'
import { AppError } from '../errors.ts'
import type { Incoming } from '../http/incoming.ts'
import type { Principal } from '../identity/principal.ts'
import type { Caller } from './caller.ts'

/** What every handler may look at. */
export interface ApiEnv {
  Bindings: { incoming: Incoming }
  Variables: { caller: Caller }
}

export type Api = OpenAPIHono<ApiEnv>

/**
 * Who may call an endpoint: everyone, whoever is known, whoever administers the server, who may do something with all of it, or who may do something with the whole
 * of the repository that the path names as `{repository}`.
 */
export type Access = 'anyone' | 'known' | 'admin' | Action | { inRepository: RepositoryAction }

export const ProblemSchema = z
  .object({
    status: z.number().int(),
    code: z.string(),
    title: z.string(),
    detail: z.unknown().optional(),
    requestId: z.string(),
  })
  .openapi('Problem')

type Schemas = Partial<Record<'params' | 'query' | 'body' | 'headers', z.ZodType>>
type Read<S extends Schemas, Part extends keyof S> = S[Part] extends z.ZodType ? z.output<S[Part]> : undefined

export interface Endpoint<S extends Schemas, Answer extends z.ZodType> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  path: string
  summary: string
  tag: string
  access: Access
  request?: S
  /** Absent: nothing but the status is answered. */
  answer?: Answer
  /** Of a success; default 200, 204 without an answer. */
  status?: number
  /** Further successes, with what they answer. */
  more?: Readonly<Record<number, z.ZodType>>
  /** Further statuses and what they mean, for the document; 400, 401, 403, 413, 429, 500 and 503 are understood. */
  also?: Readonly<Record<number, string>>
}

export interface Call<S extends Schemas> {
  params: Read<S, 'params'>
  query: Read<S, 'query'>
  body: Read<S, 'body'>
  caller: Caller
  incoming: Incoming
  /** A header of the answer; the same name twice adds a second one. */
  header(name: string, value: string): void
  /** An answer with one of the statuses in `more`. */
  reply(status: number, body: unknown): Response
}

/** Adds one endpoint to the API: its schemas check what comes in, its access is decided before the handler runs, and all of it is in the document. */
export function addEndpoint<S extends Schemas, Answer extends z.ZodType = z.ZodType<undefined>>(
  api: Api,
  decide: Decide,
  endpoint: Endpoint<S, Answer>,
  handle: (call: Call<S>) => Promise<z.input<Answer> | Response> | z.input<Answer> | Response,
): void {
  const { request = {} as S, answer, status = answer ? 200 : 204 } = endpoint
  const route = createRoute({
    method: endpoint.method,
    path: endpoint.path,
    summary: endpoint.summary,
    tags: [endpoint.tag],
    'x-access': accessText(endpoint.access),
    // Before anything of the request is looked at: what is wrong with it is no business of strangers.
    middleware: admitted(endpoint, decide) as never,
    request: {
      ...(request.params && { params: request.params as never }),
      ...(request.query && { query: request.query as never }),
      ...(request.body && { body: { required: true, content: { 'application/json': { schema: request.body } } } }),
    },
    responses: responsesOf(endpoint, status),
  })
  api.openapi(route, (async (context: Context<ApiEnv>) => {
    const { incoming } = context.env
    const caller = context.var.caller
    const valid = (part: string) => context.req.valid(part as never)
    const result = await handle({
      params: (request.params ? valid('param') : undefined) as never,
      query: (request.query ? valid('query') : undefined) as never,
      body: (request.body ? valid('json') : undefined) as never,
      caller,
      incoming,
      header: (name, value) => context.header(name, value, { append: true }),
      reply: (code, body) => context.json(body as never, code as never),
    })
    if (result instanceof Response) return result
    return answer ? context.json(result as never, status as never) : context.body(null, status as never)
  }) as never)
}

function admitted({ access }: Pick<Endpoint<Schemas, z.ZodType>, 'access'>, decide: Decide): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const { principal } = context.var.caller
    const repository = context.req.param('repository') ?? ''
    if (!isAllowed(access, principal, repository, decide)) {
      if (principal.kind === 'anonymous') throw new AppError('unauthenticated', 'log in first')
      throw new AppError('denied', `${principal.name} may not do this`)
    }
    await next()
  }
}

function isAllowed(access: Access, principal: Principal, repository: string, decide: Decide): boolean {
  if (access === 'anyone') return true
  // Where everyone may do everything, nobody has to be known.
  if (access === 'known') return principal.kind !== 'anonymous' || decide(principal, 'administer')
  if (access === 'admin') return decide(principal, 'administer')
  if (typeof access === 'object') return mayInAll(decide, principal, access.inRepository, repository)
  return decide(principal, access)
}

/** Whether somebody may do this with all images of a repository. */
export function mayInAll(decide: Decide, principal: Principal, action: RepositoryAction, repository: string): boolean {
  // No image has this name, so that nothing but what is for all images fits.
  return decide(principal, action, { repository, image: '' })
}

function accessText(access: Access): string {
  return typeof access === 'object' ? `${access.inRepository} on {repository}` : access
}

function responsesOf(
  { answer, more = {}, also = {} }: Pick<Endpoint<Schemas, z.ZodType>, 'answer' | 'more' | 'also'>,
  status: number,
) {
  const success = (schema: z.ZodType) => ({ description: 'done', content: { 'application/json': { schema } } })
  const problem = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: ProblemSchema } },
  })
  return {
    [status]: answer ? success(answer) : { description: 'done' },
    ...Object.fromEntries(Object.entries(more).map(([code, schema]) => [code, success(schema)])),
    400: problem('the request is wrong; the title says how'),
    401: problem('log in first'),
    403: problem('not allowed'),
    429: problem('too many failed logins; Retry-After says when'),
    413: problem('the body is too long'),
    500: problem('the log has the reason under the request id'),
    503: problem('a part of the server, or the directory that knows the users, does not answer at the moment'),
    ...Object.fromEntries(Object.entries(also).map(([code, text]) => [code, problem(text)])),
  }
}
