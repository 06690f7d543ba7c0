import { randomBytes } from 'node:crypto'
import { AppError } from '../../errors.ts'
import type { Log } from '../../telemetry/log.ts'
import type { UserRecord, UserSource } from '../sources.ts'
import { createDirectory } from './directory.ts'
import { bindNameFor, findUser, passwordVersion } from './find-user.ts'
import { type LoginOutcome, tryLogin } from './login.ts'
import { createOfflineUsers } from './offline.ts'
import type { DirectorySettings } from './settings.ts'
import { DirectoryTrouble } from './trouble.ts'

/** The users of a directory. */
export interface LdapSource extends UserSource {
  /** The user as the directory knows them now, without a password; undefined: gone, no longer among those who may log in, or with another password where it tells. Absent where only users themselves may search. Throws `identity-unavailable`. */
  find?(username: string, credential?: string): Promise<UserRecord | undefined>
}

/** How a login at a directory ended: `offline` is one from memory while the directory could not be asked, `unavailable` one without. */
export type LoginResult = 'accepted' | 'unknown' | 'refused' | 'offline' | 'unavailable'

/** What the source needs of the world. */
export interface LdapSourceOptions {
  log: Log
  /** Told of every login. */
  counted?: (directory: string, result: LoginResult) => void
  /** Milliseconds on a clock that only goes forward. */
  now?: () => number
}

/**
 * The users of a directory. Connects when the first of them comes. Users who logged in lately go on for `offlineGrace` while it cannot
 * be asked; for others `verify` then rejects with `identity-unavailable`.
 */
export function createLdapSource(settings: DirectorySettings, options: LdapSourceOptions): LdapSource {
  const { log, counted = () => {}, now = () => performance.now() } = options
  const { name } = settings
  const directory = createDirectory(settings, now)
  const offline = createOfflineUsers(settings.offlineGrace, now)
  const found = createOfflineUsers(settings.offlineGrace, now)
  /** Names that were just looked up in vain: their decoy need not do it again. */
  const lookedUp = new Set<string>()
  const say = (line: string) => log.debug(`ldap: ${line}`, { directory: name })

  function unreachable(error: unknown, known: ReturnType<typeof offline.recall>, user: string): UserRecord {
    if (!(error instanceof DirectoryTrouble)) throw error
    counted(name, known ? 'offline' : 'unavailable')
    const fields = { directory: name, user, reason: error.message, advice: error.advice }
    if (known) {
      log.warn('ldap: the directory cannot be asked; the user was seen lately and goes on', {
        ...fields,
        seconds: known.seconds,
      })
      return known.user
    }
    log.warn('ldap: login refused: the directory cannot be asked', fields)
    throw new AppError(
      'identity-unavailable',
      'the directory that knows the users of this registry cannot be reached; this is no wrong password: try again in a moment',
      { cause: error, headers: { 'Retry-After': '5' } },
    )
  }

  function verdictOf(outcome: LoginOutcome, typed: string, password: string) {
    counted(name, outcome.kind)
    if (outcome.kind === 'unknown') {
      offline.forget(typed)
      if (lookedUp.size > 1000) lookedUp.clear()
      lookedUp.add(typed)
      return 'unknown'
    }
    if (outcome.kind === 'refused') {
      offline.forget(typed, password)
      log.info('ldap: login refused', { directory: name, user: typed, reason: outcome.reason })
      return 'wrong'
    }
    const record = recordOf(outcome)
    offline.remember(typed, password, record)
    return record
  }

  async function find(username: string, credential?: string): Promise<UserRecord | undefined> {
    const record = await lookUp(username)
    return credential === undefined || (record?.credential ?? '') === credential ? record : undefined
  }

  async function lookUp(username: string): Promise<UserRecord | undefined> {
    let outcome: LoginOutcome
    try {
      outcome = await tryLogin(directory, settings, username, undefined, say)
    } catch (error) {
      return unreachable(error, found.recall(username, ''), username)
    }
    if (outcome.kind !== 'accepted' || outcome.user.name !== username) {
      found.forget(username)
      return undefined
    }
    const record = recordOf(outcome)
    found.remember(username, '', record)
    return record
  }

  return {
    name,
    remote: true,
    generation: () => 0,
    async verify(username, password) {
      let outcome: LoginOutcome
      try {
        outcome = await tryLogin(directory, settings, username, password, say)
      } catch (error) {
        return unreachable(error, offline.recall(username, password), username)
      }
      return verdictOf(outcome, username, password)
    },
    /** Asks the directory as much as a wrong password does. What it then does by itself, such as hashing, cannot be done for it. */
    async decoy(username) {
      const { login, users } = settings
      const nobody = randomBytes(12).toString('hex')
      try {
        if (login.by !== 'user' && !lookedUp.delete(username))
          await directory.read((connection) => findUser(connection, settings, username, () => {}))
        const dn = login.by === 'user' ? bindNameFor(login.template, nobody) : `${users.id}=${nobody},${users.base}`
        await directory.apart((connection) => connection.bind(dn, nobody))
      } catch (error) {
        // Somebody else has decided already; that this directory is in trouble must not change the answer.
        if (!(error instanceof DirectoryTrouble)) throw error
      }
    },
    ...(settings.login.by !== 'user' && { find }),
    close: directory.close,
  }
}

function recordOf({ user, groups, admin }: LoginOutcome & { kind: 'accepted' }): UserRecord {
  const credential = passwordVersion(user)
  return {
    name: user.name,
    admin,
    groups: [...new Set(groups.map((group) => group.name))],
    ...(credential !== undefined && { credential }),
  }
}
