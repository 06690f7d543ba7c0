import type { Database } from '../database/database.ts'
import { changeUser, deleteUser, insertUser, listUsers } from '../database/users.ts'
import type { Log } from '../telemetry/log.ts'
import { type PasswordPolicy, problemWithPassword } from './password-policy.ts'
import { hashPassword, verifyPassword } from './passwords.ts'

/** A user as the configuration file declares them: with a password or a hash of one. */
export interface DeclaredUser {
  name: string
  password: string | undefined
  passwordHash: string | undefined
  admin: boolean
}

/** The parts that take part in declaring users. */
export interface DeclaringParts {
  db: Database
  log: Log
  now: () => number
  /** What passwords should be like: those of the file are warned about, not refused. */
  policy: PasswordPolicy
}

/**
 * Makes the users of the file in the database those that the file declares now: creates them, changes them, takes over those who were made by hand under
 * such a name, removes those who are declared no longer. A password that is still the same is not hashed anew.
 */
export async function declareUsers(
  declared: readonly DeclaredUser[],
  { db, log, now, policy }: DeclaringParts,
): Promise<void> {
  const known = new Map((await listUsers(db)).map((user) => [user.name, user]))
  await Promise.all(
    declared.map(async ({ name, password, passwordHash, admin }) => {
      const user = known.get(name)
      const weak = password === undefined ? undefined : problemWithPassword(password, name, policy)
      if (weak) log.warn(`users: ${weak}`, { user: name })
      const hash = passwordHash ?? (await hashOf(password ?? '', user?.password_hash))
      const wanted = { password_hash: hash, admin: admin ? 1 : 0, managed_by: 'file' as const }
      if (!user && (await insertUser(db, { name, ...wanted, created_at: now() })))
        return log.info('user created, as the configuration says', { user: name })
      const isSame =
        user?.password_hash === hash && user.admin === wanted.admin && user.managed_by === wanted.managed_by
      if (isSame) return
      await changeUser(db, name, wanted)
      const taken = user?.managed_by === 'database'
      log.info(taken ? 'user belongs to the configuration from now on' : 'user changed, as the configuration says', {
        user: name,
      })
    }),
  )
  const names = new Set(declared.map(({ name }) => name))
  for (const { name, managed_by: managedBy } of known.values()) {
    if (managedBy !== 'file' || names.has(name)) continue
    await deleteUser(db, name)
    log.info('user removed: the configuration declares them no longer', { user: name })
  }
}

async function hashOf(password: string, before: string | undefined): Promise<string> {
  return before !== undefined && (await verifyPassword(password, before)) ? before : hashPassword(password)
}
