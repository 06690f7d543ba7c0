import { z } from '@hono/zod-openapi'
import { forgetSubject } from '../../access/grant-store.ts'
import type { Database, Queries } from '../../database/database.ts'
import { findOidcUser, listOidcUsers } from '../../database/oidc-users.ts'
import { changeUser, deleteUser, findUser, insertUser, listUsers, type UserRow } from '../../database/users.ts'
import { AppError } from '../../errors.ts'
import type { LocalUsers } from '../../identity/local-users.ts'
import { hashPassword } from '../../identity/passwords.ts'
import { problemWithUserName } from '../../identity/user-name.ts'
import { accountsOf, checkPassword } from '../accounts.ts'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint } from '../endpoint.ts'

const UserSchema = z
  .object({
    name: z.string(),
    source: z
      .enum(['local', 'oidc'])
      .openapi({ description: 'users of directories and of htpasswd files are not listed' }),
    admin: z.boolean(),
    managedBy: z.enum(['file', 'database', 'provider']),
    createdAt: z.iso.datetime().optional(),
    groups: z.array(z.string()).optional().openapi({ description: 'as of the last login' }),
    mail: z.string().optional(),
    seenAt: z.iso.datetime().optional(),
  })
  .openapi('User')
const password = z.string().max(1000)
const NewUserSchema = z
  .object({ name: z.string().min(1).max(255), password, admin: z.boolean().default(false) })
  .openapi('NewUser')
const UserChangeSchema = z
  .object({ password: password.optional(), admin: z.boolean().optional() })
  .openapi('UserChange')
const params = z.object({ user: z.string().max(255) })
const gone = { 404: 'there is no such local user' }

/** The users of the database. Each change holds at once here, and within a minute at other instances. */
export function addUsers(api: Api, parts: ApiParts): void {
  const { db, decide, now, sessions, tellChange, refreshAccess, config } = parts

  /** Throws `policy-refused` where users of the database are not asked. */
  function local(): LocalUsers {
    const { local: users } = accountsOf(parts)
    if (users) return users
    throw new AppError('policy-refused', 'the users are in the file of auth.htpasswd: use `entrepot user add`')
  }

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/users',
      tag: 'users',
      summary: 'Users that are kept here, and those whom the OpenID provider has let in',
      access: 'admin',
      answer: z.array(UserSchema),
    },
    async () => {
      const locals = accountsOf(parts).local ? await listUsers(db) : []
      const others = (await listOidcUsers(db.queries)).map((row) => ({
        name: row.name,
        source: 'oidc' as const,
        admin: row.admin === 1,
        managedBy: 'provider' as const,
        groups: JSON.parse(row.groups) as string[],
        ...(row.mail !== null && { mail: row.mail }),
        seenAt: new Date(Number(row.seen_at)).toISOString(),
      }))
      return [...locals.map(publicForm), ...others].sort((one, other) => (one.name < other.name ? -1 : 1))
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'post',
      path: '/users',
      tag: 'users',
      summary: 'Makes a user, who may do nothing before there is a grant',
      access: 'admin',
      request: { body: NewUserSchema },
      answer: UserSchema,
      status: 201,
    },
    async ({ body: { name, password: given, admin }, caller, incoming }) => {
      const users = local()
      const problem = problemWithUserName(name)
      if (problem) throw new AppError('request-invalid', `name: ${problem}`)
      checkPassword(given, name, config.passwords)
      const { robots } = accountsOf(parts)
      const hash = await hashPassword(given)
      const row = { name, password_hash: hash, admin: admin ? 1 : 0, created_at: now() }
      const isTaken =
        (await robots.find(name)) !== undefined || (await findOidcUser(db.queries, { name })) !== undefined
      if (isTaken || !(await users.changing(insertUser(db, row))))
        throw new AppError('request-invalid', `name: there is somebody called ${name} already`)
      tellChange(incoming, caller, 'user.create', '', name, { admin })
      return publicForm(await userNamed(db, name))
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'patch',
      path: '/users/{user}',
      tag: 'users',
      summary: 'Changes password or admin; ends the sessions of the user',
      access: 'admin',
      request: { params, body: UserChangeSchema },
      answer: UserSchema,
      also: gone,
    },
    async ({ params: { user: name }, body: { password: given, admin }, caller, incoming }) => {
      const users = local()
      if (given !== undefined) checkPassword(given, name, config.passwords)
      const hash = given === undefined ? undefined : await hashPassword(given)
      const changes = { ...(hash && { password_hash: hash }), ...(admin !== undefined && { admin: admin ? 1 : 0 }) }
      if (Object.keys(changes).length === 0)
        throw new AppError('request-invalid', 'say what to change: password, admin')
      await users.changing(
        db.transaction(async (tx) => {
          await changeable(tx, name, admin === false)
          await changeUser({ queries: tx }, name, changes)
        }),
      )
      // What a session may do was found out when it began.
      await sessions.endAllOf(name, admin === undefined ? caller.session?.id : undefined)
      const what = { ...(hash && { password: true }), ...(admin !== undefined && { admin }) }
      tellChange(incoming, caller, 'user.update', '', name, what)
      return publicForm(await userNamed(db, name))
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'delete',
      path: '/users/{user}',
      tag: 'users',
      summary: 'Removes a user with tokens, grants and sessions',
      access: 'admin',
      request: { params },
      also: gone,
    },
    async ({ params: { user: name }, caller, incoming }) => {
      const users = local()
      const { accessTokens } = accountsOf(parts)
      // By way of the tokens, so that other instances forget them.
      const removal = accessTokens.changing(async (tx) => {
        await changeable(tx, name, true)
        await deleteUser({ queries: tx }, name)
        await forgetSubject(tx, { kind: 'user', name })
      })
      await users.changing(removal)
      await sessions.endAllOf(name)
      await refreshAccess()
      tellChange(incoming, caller, 'user.remove', '', name)
      return undefined
    },
  )
}

async function userNamed(db: Pick<Database, 'queries'>, name: string): Promise<UserRow> {
  const row = await findUser(db, name)
  if (row) return row
  throw new AppError('route-unknown', `there is no local user ${name}`)
}

/** Throws unless the user is ours to change. `ends`: they are not to be an admin any more. */
async function changeable(tx: Queries, name: string, ends: boolean): Promise<void> {
  const row = await userNamed({ queries: tx }, name)
  if (row.managed_by === 'file')
    throw new AppError('policy-refused', `${name} is declared in the configuration file: change them there`)
  const admins = (await listUsers({ queries: tx })).filter(({ admin }) => admin === 1)
  if (ends && row.admin === 1 && admins.length === 1)
    throw new AppError('policy-refused', `${name} is the last admin: make another one first`)
}

function publicForm({ name, admin, managed_by, created_at }: UserRow) {
  return {
    name,
    source: 'local' as const,
    admin: admin === 1,
    managedBy: managed_by,
    createdAt: new Date(Number(created_at)).toISOString(),
  }
}
