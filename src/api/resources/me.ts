import { z } from '@hono/zod-openapi'
import { repositoryActions } from '../../access/decide.ts'
import { findUser } from '../../database/users.ts'
import { AppError } from '../../errors.ts'
import { accountsOf, checkPassword, wholeCaller } from '../accounts.ts'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint, mayInAll } from '../endpoint.ts'
import { isVisible } from '../in-repository.ts'

const MeSchema = z
  .object({
    kind: z.enum(['user', 'robot', 'anonymous']),
    name: z.string(),
    admin: z.boolean().openapi({ description: 'may administer the server' }),
    groups: z.array(z.string()),
    passwordHere: z.boolean().openapi({ description: 'the password can be changed with POST /me/password' }),
    repositories: z
      .array(z.object({ name: z.string(), may: z.array(z.enum(repositoryActions)) }))
      .openapi({ description: 'what the caller sees, and may do with all of it; on some images it may be more' }),
  })
  .openapi('Me')
const SessionInfoSchema = z
  .object({
    id: z.string(),
    current: z.boolean(),
    source: z.string(),
    address: z.string(),
    userAgent: z.string(),
    createdAt: z.iso.datetime(),
    usedAt: z.iso.datetime(),
  })
  .openapi('SessionInfo')
const PasswordSchema = z
  .object({ current: z.string().min(1).max(1000), password: z.string().max(1000) })
  .openapi('PasswordChange')

/** Whoever calls: what they may do, their password, their sessions. */
export function addMe(api: Api, parts: ApiParts): void {
  const { db, config, decide, repositories, sessions, authenticator, tellChange } = parts

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/me',
      tag: 'session',
      summary: 'Who the caller is, and what they may do',
      access: 'anyone',
      answer: MeSchema,
    },
    async ({ caller }) => {
      const { principal } = caller
      const isKnown = principal.kind !== 'anonymous'
      const row = principal.kind === 'user' && parts.accounts?.local ? await findUser(db, principal.name) : undefined
      return {
        kind: principal.kind,
        name: isKnown ? principal.name : '',
        admin: decide(principal, 'administer'),
        groups: isKnown ? [...principal.groups] : [],
        passwordHere: row?.managed_by === 'database',
        repositories: repositories
          .all()
          .filter(({ name }) => isVisible(parts, caller, name))
          .map(({ name }) => ({
            name,
            may: repositoryActions.filter((action) => mayInAll(decide, principal, action, name)),
          })),
      }
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'post',
      path: '/me/password',
      tag: 'session',
      summary: 'Changes the own password; ends all other sessions',
      access: 'known',
      request: { body: PasswordSchema },
    },
    async ({ body: { current, password }, caller, incoming }) => {
      const { local } = accountsOf(parts)
      const { name, kind } = wholeCaller(caller)
      const row = kind === 'user' && local ? await findUser(db, name) : undefined
      if (!local || !row) throw new AppError('policy-refused', 'the password is kept elsewhere: change it there')
      if (row.managed_by === 'file')
        throw new AppError('policy-refused', 'the password is in the configuration file: change it there')
      checkPassword(password, name, config.passwords)
      // The way of every login, so that guessing is throttled as there.
      const credentials = `Basic ${Buffer.from(`${name}:${current}`).toString('base64')}`
      const isRight = await Promise.resolve(authenticator.authenticate(credentials, incoming)).then(
        (found) => found.kind === 'user' && found.credential?.startsWith('local:'),
        (error: unknown) => {
          // Not 401: the caller is logged in, and a page would take that for the end of its session.
          if (error instanceof AppError && error.code === 'unauthenticated') return false
          throw error
        },
      )
      if (!isRight) throw new AppError('request-invalid', 'current: this is not the current password')
      await local.setPassword(name, password)
      await sessions.endAllOf(name, caller.session?.id)
      tellChange(incoming, caller, 'user.update', '', name, { password: true })
      return undefined
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/me/sessions',
      tag: 'session',
      summary: 'The own sessions, the one used last first',
      access: 'known',
      answer: z.array(SessionInfoSchema),
    },
    async ({ caller }) => {
      const { name, kind } = wholeCaller(caller)
      const own = kind === 'user' ? await sessions.of(name) : []
      return own.map(({ id, source, address, userAgent, createdAt, usedAt }) => ({
        ...{ id, source, address, userAgent, current: id === caller.session?.id },
        createdAt: new Date(createdAt).toISOString(),
        usedAt: new Date(usedAt).toISOString(),
      }))
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'delete',
      path: '/me/sessions',
      tag: 'session',
      summary: 'Ends all own sessions but this one',
      access: 'known',
      answer: z.object({ ended: z.number().int() }),
    },
    async ({ caller, incoming }) => {
      const { name, kind } = wholeCaller(caller)
      const ended = kind === 'user' ? await sessions.endAllOf(name, caller.session?.id) : 0
      if (ended > 0) tellChange(incoming, caller, 'session.end', '', name, { sessions: ended })
      return { ended }
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'delete',
      path: '/me/sessions/{session}',
      tag: 'session',
      summary: 'Ends one of the own sessions',
      access: 'known',
      request: { params: z.object({ session: z.string().max(100) }) },
      also: { 404: 'there is no such session' },
    },
    async ({ params: { session }, caller, incoming }) => {
      const { name } = wholeCaller(caller)
      const isOwn = (await sessions.of(name)).some(({ id }) => id === session)
      if (!isOwn || !(await sessions.end(session))) throw new AppError('route-unknown', 'there is no such session')
      tellChange(incoming, caller, 'session.end', '', name, { sessions: 1 })
      return undefined
    },
  )
}
