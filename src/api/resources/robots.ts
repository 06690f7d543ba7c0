import { z } from '@hono/zod-openapi'
import { forgetSubject } from '../../access/grant-store.ts'
import { AppError } from '../../errors.ts'
import type { Incoming } from '../../http/incoming.ts'
import type { Robot } from '../../identity/tokens/robots.ts'
import { robotNameOf } from '../../identity/tokens/robots.ts'
import { accountsOf, beyond, wholeCaller } from '../accounts.ts'
import type { ApiParts } from '../api.ts'
import type { Caller } from '../caller.ts'
import { type Api, addEndpoint, mayInAll } from '../endpoint.ts'
import { mayManageRobot } from '../robot-rights.ts'
import { CreatedTokenSchema, NewTokenSchema, TokenSchema, tokenForm, wantedToken } from '../token-form.ts'

const RobotSchema = z
  .object({ name: z.string(), description: z.string(), disabled: z.boolean(), createdAt: z.iso.datetime() })
  .openapi('Robot')
const NewRobotSchema = z
  .object({
    name: z.string().min(1).max(200).openapi({ description: '`ci` is completed to what names of robots look like' }),
    description: z.string().max(500).default(''),
    token: NewTokenSchema,
  })
  .openapi('NewRobot')
const CreatedRobotSchema = RobotSchema.extend({ token: CreatedTokenSchema }).openapi('CreatedRobot')
const params = z.object({ robot: z.string().max(255) })
const gone = { 404: 'there is no such robot' }
type NewToken = z.output<typeof NewTokenSchema>

/** Accounts for programs. Whoever manages the members of a repository makes robots for it, which get no more than its maker has. */
export function addRobots(api: Api, parts: ApiParts): void {
  const { decide, now, config, tellChange, refreshAccess } = parts

  /** Throws unless the caller may give this to a robot. */
  function assertMayGive(caller: Caller, { limits }: NewToken): void {
    accountsOf(parts)
    wholeCaller(caller)
    if (!limits) throw new AppError('request-invalid', 'token.limits: say what the robot may do')
    const { principal } = caller
    const foreign = limits.find(({ repository }) => !mayInAll(decide, principal, 'manage-members', repository))
    if (foreign)
      throw new AppError('denied', `token.limits: robots of ${foreign.repository} are for those who manage its members`)
    const more = beyond(parts, caller, limits)
    if (more) throw new AppError('denied', `token.limits: you may not ${more.action} ${more.repository} yourself`)
  }

  async function robotFor(caller: Caller, name: string): Promise<Robot> {
    const { robots } = accountsOf(parts)
    wholeCaller(caller)
    const robot = await robots.find(name)
    if (robot && (await mayManageRobot(parts, caller, name))) return robot
    throw new AppError('route-unknown', `there is no robot ${name}`)
  }

  async function give(robot: string, wanted: NewToken, caller: Caller, incoming: Incoming) {
    const { accessTokens } = accountsOf(parts)
    const owner = { kind: 'robot', name: robot } as const
    const { token, secret } = await accessTokens.create({ owner, ...wantedToken(wanted, now()) })
    tellChange(incoming, caller, 'token.create', '', `${robot}, token ${token.id}`)
    return { ...tokenForm(token, now()), secret }
  }

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/robots',
      tag: 'robots',
      summary: 'Robots that the caller may manage',
      access: 'known',
      answer: z.array(RobotSchema),
    },
    async ({ caller }) => {
      const all = await accountsOf(parts).robots.list()
      const shown = await Promise.all(
        all.map(async (robot) => ((await mayManageRobot(parts, caller, robot.name)) ? [publicForm(robot)] : [])),
      )
      return shown.flat()
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'post',
      path: '/robots',
      tag: 'robots',
      summary: 'Makes a robot with its first token, whose secret is in this answer and nowhere else',
      access: 'known',
      request: { body: NewRobotSchema },
      answer: CreatedRobotSchema,
      status: 201,
    },
    async ({ body: { name: word, description, token }, caller, incoming }) => {
      const { robots } = accountsOf(parts)
      assertMayGive(caller, token)
      const { expiresAt } = wantedToken(token, now())
      if (expiresAt !== undefined && expiresAt <= now())
        throw new AppError('request-invalid', 'token.expiresAt: a token must not expire before it exists')
      const robot = await robots.create({ name: robotNameOf(word, config.robots.namePattern), description })
      tellChange(incoming, caller, 'robot.create', '', robot.name)
      return { ...publicForm(robot), token: await give(robot.name, token, caller, incoming) }
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'patch',
      path: '/robots/{robot}',
      tag: 'robots',
      summary: 'Disables a robot, whose tokens then open nothing, or enables it again',
      access: 'known',
      request: { params, body: z.object({ disabled: z.boolean() }) },
      answer: RobotSchema,
      also: gone,
    },
    async ({ params: { robot: name }, body: { disabled }, caller, incoming }) => {
      const robot = await robotFor(caller, name)
      await accountsOf(parts).robots.setDisabled(name, disabled)
      tellChange(incoming, caller, disabled ? 'robot.disable' : 'robot.enable', '', name)
      return publicForm({ ...robot, disabled })
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'delete',
      path: '/robots/{robot}',
      tag: 'robots',
      summary: 'Removes a robot with its tokens and grants',
      access: 'known',
      request: { params },
      also: gone,
    },
    async ({ params: { robot: name }, caller, incoming }) => {
      await robotFor(caller, name)
      await accountsOf(parts).robots.remove(name)
      await parts.db.transaction((tx) => forgetSubject(tx, { kind: 'robot', name }))
      await refreshAccess()
      tellChange(incoming, caller, 'robot.remove', '', name)
      return undefined
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/robots/{robot}/tokens',
      tag: 'robots',
      summary: 'Tokens of a robot, also those that expired or were revoked',
      access: 'known',
      request: { params },
      answer: z.array(TokenSchema),
      also: gone,
    },
    async ({ params: { robot: name }, caller }) => {
      await robotFor(caller, name)
      return (await accountsOf(parts).accessTokens.list({ kind: 'robot', name })).map((token) =>
        tokenForm(token, now()),
      )
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'post',
      path: '/robots/{robot}/tokens',
      tag: 'robots',
      summary: 'Gives a robot a further token',
      access: 'known',
      request: { params, body: NewTokenSchema },
      answer: CreatedTokenSchema,
      status: 201,
      also: gone,
    },
    async ({ params: { robot: name }, body, caller, incoming }) => {
      await robotFor(caller, name)
      assertMayGive(caller, body)
      return give(name, body, caller, incoming)
    },
  )
}

function publicForm({ name, description, disabled, createdAt }: Robot) {
  return { name, description, disabled, createdAt: new Date(createdAt).toISOString() }
}
