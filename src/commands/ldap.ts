import { existsSync } from 'node:fs'
import { type Config, htpasswdOf } from '../config/config.ts'
import { openDatabase } from '../database/database.ts'
import { findUser } from '../database/users.ts'
import { AppError } from '../errors.ts'
import { readTextFile } from '../identity/durable-file.ts'
import { parseHtpasswd } from '../identity/htpasswd.ts'
import type { LoginOutcome } from '../identity/ldap/login.ts'
import { type DirectorySettings, directorySettings } from '../identity/ldap/settings.ts'
import { traceLogin } from '../identity/ldap/trace.ts'
import { loadOrExplain } from './configured.ts'
import type { CommandIo } from './io.ts'
import { passwordFrom } from './user.ts'

/**
 * `entrepot ldap test USER [--password-stdin]`: goes through a login at each configured directory and says every step in words; without a
 * password all but the check of it. Prints nothing secret. Returns the exit code: 0 when the user may log in, 1 when not, 2 for a bad
 * configuration.
 */
export async function testLdap(
  user: string,
  options: { config?: string | undefined; passwordStdin?: boolean | undefined },
  io: CommandIo,
): Promise<number> {
  const config = loadOrExplain(options, io)
  if (!config) return 2
  const say = (line: string) => void io.out.write(`${line}\n`)
  try {
    if (config.ldap.length === 0)
      throw new AppError('request-invalid', 'no directory is configured: write ldap.url into the configuration')
    const settings = directorySettings(config.ldap)
    const password = options.passwordStdin ? await passwordFrom(io.stdin) : undefined
    const earlier = await knownBefore(user, config)
    if (earlier) say(`note: ${user} is known to ${earlier}, which comes first and decides; no directory would be asked`)
    for (const directory of settings) {
      say(`directory ${directory.name}`)
      const outcome = await traceLogin(directory, user, password, (line) => say(`  ${line}`))
      if (outcome === undefined) return 1
      if (outcome.kind === 'unknown') continue
      if (outcome.kind === 'refused') return fail(io, outcome.reason)
      tell(outcome, directory, say)
      return 0
    }
    return fail(io, `no directory knows ${user}`)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    io.err.write(`${error.message}\n`)
    return error.code === 'request-invalid' ? 2 : 1
  }
}

function tell(outcome: LoginOutcome & { kind: 'accepted' }, { users }: DirectorySettings, say: (line: string) => void) {
  const { user, groups, admin } = outcome
  const shown = (attribute: string) => user.entry.values(attribute).join(', ') || 'not set'
  const names = [...new Set(groups.map(({ name }) => name))]
  say(`result: ${user.name} may log in${admin ? ', as an administrator' : ''}`)
  say(`  ${users.name}: ${shown(users.name)}`)
  say(`  ${users.mail}: ${shown(users.mail)}`)
  say(`  groups: ${names.join(', ') || 'none'}`)
}

function fail({ err }: CommandIo, reason: string): number {
  err.write(`${reason}\n`)
  return 1
}

/** Which source before the directories has a user of this name. */
async function knownBefore(user: string, config: Config): Promise<string | undefined> {
  const { database } = config
  const file = /^sqlite:(.*)$/.exec(database)?.[1]
  if (file === undefined || existsSync(file)) {
    const db = await openDatabase(database)
    try {
      if (await findUser(db, user)) return 'the local users'
    } finally {
      await db.close()
    }
  }
  const path = htpasswdOf(config)?.path
  const text = path === undefined ? undefined : readTextFile(path)?.text
  return text !== undefined && parseHtpasswd(text).entries.has(user) ? 'auth.htpasswd' : undefined
}
