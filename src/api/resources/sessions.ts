import { z } from '@hono/zod-openapi'
import { AppError } from '../../errors.ts'
import type { ApiParts } from '../api.ts'
import type { Caller } from '../caller.ts'
import { type Api, addEndpoint } from '../endpoint.ts'

const OwnSessionSchema = z
  .object({
    id: z.string().openapi({ description: 'names it, and opens nothing' }),
    source: z.string(),
    address: z.string().openapi({ description: 'where they logged in from' }),
    userAgent: z.string(),
    since: z.iso.datetime(),
    usedAt: z.iso.datetime().openapi({ description: 'within a minute' }),
    current: z.boolean().openapi({ description: 'the one that this request came with' }),
  })
  .openapi('OwnSession')

/** The sessions of whoever asks: on which browsers they are logged in, and a way to end that. */
export function addSessions(api: Api, { decide, sessions, tellChange }: ApiParts): void {
  const common = { path: '/sessions', tag: 'session', access: 'known' } as const

  addEndpoint(
    api,
    decide,
    { ...common, method: 'get', summary: 'Your sessions, the one used last first', answer: z.array(OwnSessionSchema) },
    async ({ caller }) =>
      (await sessions.of(nameOf(caller))).map(({ id, source, address, userAgent, createdAt, usedAt }) => ({
        id,
        source,
        address,
        userAgent,
        since: new Date(createdAt).toISOString(),
        usedAt: new Date(usedAt).toISOString(),
        current: id === caller.session?.id,
      })),
  )

  addEndpoint(
    api,
    decide,
    {
      ...common,
      method: 'delete',
      summary: 'End all your sessions but this one',
      answer: z.object({ ended: z.number().int() }),
    },
    async ({ caller, incoming }) => {
      const ended = await sessions.endAllOf(nameOf(caller), caller.session?.id)
      if (ended > 0) tellChange(incoming, caller, 'session.end', '', nameOf(caller), { sessions: ended })
      return { ended }
    },
  )

  addEndpoint(
    api,
    decide,
    {
      ...common,
      method: 'delete',
      path: '/sessions/{session}',
      summary: 'End one of your sessions',
      request: { params: z.object({ session: z.string().max(100) }) },
      also: { 404: 'you have no such session' },
    },
    async ({ caller, incoming, params }) => {
      const own = await sessions.of(nameOf(caller))
      if (!own.some(({ id }) => id === params.session) || !(await sessions.end(params.session)))
        throw new AppError('image-unknown', 'you have no such session')
      tellChange(incoming, caller, 'session.end', '', nameOf(caller), { sessions: 1 })
      return undefined
    },
  )
}

/** Sessions belong to people: a robot has none, and a token that is limited to some repositories is for those. */
function nameOf({ principal }: Caller): string {
  if (principal.kind === 'user' && !principal.limits) return principal.name
  throw new AppError('denied', 'sessions are for people: log in with your password')
}
