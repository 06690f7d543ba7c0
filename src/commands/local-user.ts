import { grantText, subjectText } from '../access/grant.ts'
import { addGrantWithin, forgetSubject, readGrants } from '../access/grant-store.ts'
import { rolesWith } from '../access/roles.ts'
import { type Config, htpasswdOf } from '../config/config.ts'
import type { Database } from '../database/database.ts'
import { deleteOidcUser, listOidcUsers } from '../database/oidc-users.ts'
import { changeUser, deleteUser, findUser, insertUser, listUsers as readUsers } from '../database/users.ts'
import { AppError } from '../errors.ts'
import { readTextFile } from '../identity/durable-file.ts'
import { parseHtpasswd } from '../identity/htpasswd.ts'
import { hashPassword, randomPassword } from '../identity/passwords.ts'
import { problemWithUserName } from '../identity/user-name.ts'
import { parseRepository, parseRole } from './grant-terms.ts'
import type { CommandIo } from './io.ts'
import {
  addUser as addToFile,
  listUsers as listFile,
  passwordFrom,
  refuseWeak,
  removeUser as removeFromFile,
} from './user.ts'
import { type Installation, withDatabase } from './with-database.ts'

/** A user as `entrepot user add` was asked for them. */
export interface WantedUser {
  name: string
  passwordStdin?: boolean | undefined
  /** Undefined: as they are, and not when they are new. */
  admin?: boolean | undefined
  /** `none`: no grant. Default for a new user: `developer`. */
  role?: string | undefined
  /** Default: all of them. */
  repository?: string | undefined
}

/**
 * `entrepot user add NAME [--admin] [--role ROLE] [--repository NAME] [--password-stdin]`: adds a user or changes their password, in the file of `auth.htpasswd` where
 * the configuration names one, else in the database. Says what they may do. Without `--password-stdin` the password is random and the only thing on standard output.
 */
export function addLocalUser(wanted: WantedUser & Installation, io: CommandIo): Promise<number> {
  return withDatabase(wanted, io, async (db, config, tell) => {
    const { name, passwordStdin } = wanted
    const file = htpasswdOf(config)?.path
    if (file !== undefined && !isDeclared(config, name)) {
      if (wanted.admin || wanted.role || wanted.repository)
        throw new AppError(
          'request-invalid',
          `users are in ${file}, which knows no roles: add the user, then use: entrepot grant add --user ${name}`,
        )
      const action = isInFile(file, name) ? 'user.update' : 'user.create'
      const code = await addToFile({ name, passwordStdin, htpasswd: file, policy: config.passwords }, io)
      if (code === 0) tell(action, name)
      return code
    }
    const problem = problemWithUserName(name)
    if (problem) throw new AppError('request-invalid', `${problem}: ${JSON.stringify(name)}`)
    refuseDeclared(config, name)
    const { admin } = wanted
    const role = wanted.role === 'none' ? undefined : parseRole(wanted.role ?? 'developer', rolesWith(config.roles))
    const repository = parseRepository(wanted.repository ?? '*')
    const password = passwordStdin ? await passwordFrom(io.stdin) : randomPassword()
    refuseWeak(password, name, config.passwords)
    const hash = await hashPassword(password)
    const now = Date.now()
    const isNew = await db.transaction(async (tx) => {
      const row = { name, password_hash: hash, admin: admin ? 1 : 0, created_at: now }
      const created = await insertUser({ queries: tx }, row)
      if (!created) {
        const changes = { password_hash: hash, ...(admin === undefined ? {} : { admin: admin ? 1 : 0 }) }
        await changeUser({ queries: tx }, name, changes)
      }
      // Who is there already keeps what they have, unless something else was asked for.
      const isAsked = wanted.role !== undefined || wanted.repository !== undefined
      if (role !== undefined && (isAsked || (created && !admin)))
        await addGrantWithin(tx, { subject: { kind: 'user', name }, role, repository, images: [] }, now)
      return created
    })
    tell(isNew ? 'user.create' : 'user.update', name, admin === undefined ? {} : { detail: { admin } })
    io.err.write(isNew ? `Added ${name}.\n` : `Changed the password of ${name}.\n`)
    await tellRights(db, name, io)
    if (!passwordStdin) io.out.write(`${password}\n`)
    return 0
  })
}

/** `entrepot user remove NAME`: the user, also one of the OpenID provider, with their sessions and tokens and what was granted to them by name. Returns 1 when there is none. */
export function removeLocalUser(options: { name: string } & Installation, io: CommandIo): Promise<number> {
  return withDatabase(options, io, async (db, config, tell) => {
    const { name } = options
    const file = htpasswdOf(config)?.path
    if (file !== undefined && !isDeclared(config, name)) {
      const code = await removeFromFile({ name, htpasswd: file }, io)
      if (code === 0) tell('user.remove', name)
      return code
    }
    refuseDeclared(config, name)
    const removed = await db.transaction(async (tx) => {
      const gone = [await deleteUser({ queries: tx }, name), await deleteOidcUser(tx, name)]
      if (!gone.includes(true)) return false
      await forgetSubject(tx, { kind: 'user', name })
      return true
    })
    if (removed) tell('user.remove', name)
    io.err.write(removed ? `Removed ${name}, with their grants.\n` : `There is no user ${JSON.stringify(name)}.\n`)
    return removed ? 0 : 1
  })
}

/** `entrepot user list`: a line for each user: name, `admin` or `user`, where they are kept, with tabs between. */
export function listLocalUsers(options: Installation, io: CommandIo): Promise<number> {
  return withDatabase(options, io, async (db, config) => {
    const file = htpasswdOf(config)?.path
    if (file !== undefined && config.users.length === 0) return listFile({ htpasswd: file }, io)
    for (const { name, admin, managed_by: place } of await readUsers(db))
      io.out.write(`${name}\t${admin ? 'admin' : 'user'}\t${place}\n`)
    for (const { name, admin } of await listOidcUsers(db.queries))
      io.out.write(`${name}\t${Number(admin) === 1 ? 'admin' : 'user'}\toidc\n`)
    return 0
  })
}

/** What they may do now, and how to change it. */
async function tellRights(db: Database, name: string, io: CommandIo): Promise<void> {
  const say = (line: string) => void io.err.write(`${line}\n`)
  const users = await readUsers(db)
  if ((await findUser(db, name))?.admin) return say(`${name} is an admin and may do everything.`)
  const own = (await readGrants(db.queries)).filter(({ subject }) => subject.kind === 'user' && subject.name === name)
  if (own.length === 0)
    say(
      `${subjectText({ kind: 'user', name })} has no grants of their own: entrepot grant add --user ${name} --role ROLE --repository NAME`,
    )
  for (const grant of own) say(`They are ${grantText(grant)}.`)
  const loose = own.filter(({ repository, managedBy }) => repository === '*' && managedBy === 'database')
  for (const { id } of loose)
    say(
      `To limit that: entrepot grant add --user ${name} --role developer --repository NAME && entrepot grant remove ${id}`,
    )
  if (!users.some(({ admin }) => admin))
    say(
      'Warning: nobody is an admin. The first start makes one only while there are no users at all: entrepot user add admin --admin',
    )
}

const isDeclared = ({ users }: Config, name: string) => users.some((user) => user.name === name)

function refuseDeclared(config: Config, name: string): void {
  if (!isDeclared(config, name)) return
  throw new AppError('request-invalid', `${name} belongs to the configuration file: change them under users there`)
}

function isInFile(file: string, name: string): boolean {
  return parseHtpasswd(readTextFile(file)?.text ?? '').entries.has(name)
}
