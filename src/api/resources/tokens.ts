import { z } from '@hono/zod-openapi'
import { AppError } from '../../errors.ts'
import { accountsOf, wholeCaller } from '../accounts.ts'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint } from '../endpoint.ts'
import { mayManageRobot } from '../robot-rights.ts'
import { CreatedTokenSchema, NewTokenSchema, TokenSchema, tokenForm, wantedToken } from '../token-form.ts'

/** Access tokens of users: passwords for programs. */
export function addTokens(api: Api, parts: ApiParts): void {
  const { decide, now, tellChange } = parts

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/tokens',
      tag: 'tokens',
      summary: 'The own access tokens, also those that expired or were revoked; `owner=*` all, for admins',
      access: 'known',
      request: {
        query: z.object({
          owner: z.string().max(255).optional().openapi({ description: 'name of a user or robot, or *; for admins' }),
        }),
      },
      answer: z.array(TokenSchema),
    },
    async ({ query: { owner }, caller }) => {
      const { accessTokens } = accountsOf(parts)
      const { kind, name } = wholeCaller(caller)
      if (owner === undefined || (owner === name && kind === 'user'))
        return (await accessTokens.list({ kind, name })).map((token) => tokenForm(token, now()))
      if (!decide(caller.principal, 'administer'))
        throw new AppError('denied', 'tokens of others are for admins to see')
      const all = (await accessTokens.list()).filter((token) => owner === '*' || token.owner.name === owner)
      return all.map((token) => tokenForm(token, now()))
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'post',
      path: '/tokens',
      tag: 'tokens',
      summary: 'Makes an access token for oneself; its secret is in this answer and nowhere else',
      access: 'known',
      request: { body: NewTokenSchema },
      answer: CreatedTokenSchema,
      status: 201,
    },
    async ({ body, caller, incoming }) => {
      const { accessTokens } = accountsOf(parts)
      const { kind, name, credential } = wholeCaller(caller)
      if (kind === 'robot') throw new AppError('denied', 'robots are given tokens; they make none')
      if (credential?.startsWith('token:'))
        throw new AppError(
          'denied',
          'an access token makes no other one, which would outlive it: log in with the password',
        )
      const { token, secret } = await accessTokens.create({ owner: { kind, name }, ...wantedToken(body, now()) })
      tellChange(incoming, caller, 'token.create', '', `${name}, token ${token.id}`)
      return { ...tokenForm(token, now()), secret }
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'delete',
      path: '/tokens/{token}',
      tag: 'tokens',
      summary: 'Revokes a token, one of the own, of a robot that the caller manages, or, for admins, any',
      access: 'known',
      request: { params: z.object({ token: z.coerce.number().int().min(1) }) },
      also: { 404: 'there is no such token, or it was revoked before' },
    },
    async ({ params: { token: id }, caller, incoming }) => {
      const { accessTokens } = accountsOf(parts)
      const { kind, name } = wholeCaller(caller)
      const token = await accessTokens.find(id)
      const isOwn = token?.owner.kind === kind && token.owner.name === name
      const isManaged = token?.owner.kind === 'robot' && (await mayManageRobot(parts, caller, token.owner.name))
      const isAllowed = isOwn || isManaged || decide(caller.principal, 'administer')
      if (!token || !isAllowed || !(await accessTokens.revoke(id)))
        throw new AppError('route-unknown', `there is no token ${id}, or it was revoked before`)
      tellChange(incoming, caller, 'token.revoke', '', `${token.owner.name}, token ${id}`)
      return undefined
    },
  )
}
