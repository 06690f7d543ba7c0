import type { Connection, Say } from './connection.ts'
import type { Directory } from './directory.ts'
import { bindNameFor, type DirectoryUser, findUser, readUser, type Unusable } from './find-user.ts'
import { type DirectoryGroup, groupsOf } from './groups.ts'
import { metBy } from './requirements.ts'
import type { DirectorySettings } from './settings.ts'
import { adviceFor, DirectoryTrouble, isRefusal, resultInWords } from './trouble.ts'

/** What a directory makes of a login. `refused` tells the operator why; to the client it is a wrong password. */
export type LoginOutcome =
  | { kind: 'unknown' }
  | { kind: 'refused'; reason: string }
  | { kind: 'accepted'; user: DirectoryUser; groups: DirectoryGroup[]; admin: boolean }

/**
 * Finds a user, checks the password and what is required of them, and tells each step. Without a password (undefined) everything else
 * is done, for people who want to know. An empty one is refused before any bind. Throws `DirectoryTrouble`.
 */
export async function tryLogin(
  directory: Directory,
  settings: DirectorySettings,
  typed: string,
  password: string | undefined,
  say: Say,
): Promise<LoginOutcome> {
  const { login } = settings
  if (login.by === 'user') return loginByThemselves(directory, settings, login.template, typed, password, say)
  const user = await directory.read((connection) => findUser(connection, settings, typed, say), say)
  if (user === undefined) return { kind: 'unknown' }
  if ('reason' in user) return refused(user, say)
  if (password === '') return refused({ reason: 'the password is empty' }, say)
  if (password === undefined) say('the password is not checked: none was given')
  else {
    say(`check the password as ${user.entry.dn}, on a connection of its own`)
    const refusal = await directory.apart((connection) => bindAs(connection, user.entry.dn, password), say)
    if (refusal) return refused(refusal, say)
    say('the password is right')
  }
  const groups = await directory.read((connection) => groupsOf(connection, settings, user, say), say)
  return decide(settings, user, groups, say)
}

/** No account searches: what a user may see is what counts. */
async function loginByThemselves(
  directory: Directory,
  settings: DirectorySettings,
  template: string,
  typed: string,
  password: string | undefined,
  say: Say,
): Promise<LoginOutcome> {
  if (password === undefined || password === '')
    return refused({ reason: 'nothing can be asked without a password' }, say)
  return directory.apart(async (connection) => {
    const name = bindNameFor(template, typed)
    const refusal = await bindAs(connection, name, password)
    if (refusal) return refused(refusal, say)
    say(`logged in as ${name}: the password is right`)
    const user = /^[^,]*=/.test(template)
      ? await readUser(connection, settings, name, typed, say)
      : await findUser(connection, settings, typed, say)
    if (user === undefined) return refused({ reason: 'the entry that belongs to the login is not found' }, say)
    if ('reason' in user) return refused(user, say)
    return decide(settings, user, await groupsOf(connection, settings, user, say), say)
  }, say)
}

async function bindAs(connection: Connection, name: string, password: string): Promise<Unusable | undefined> {
  const refusal = await connection.bind(name, password)
  if (!refusal) return undefined
  const words = resultInWords(refusal.code, refusal.message)
  if (isRefusal(refusal.code)) return { reason: `the directory refuses the password for ${name}: ${words}` }
  throw new DirectoryTrouble(`${connection.server}: login as ${name}: ${words}`, { advice: adviceFor(refusal.code) })
}

function refused({ reason }: Unusable, say: Say): LoginOutcome {
  say(`refused: ${reason}`)
  return { kind: 'refused', reason }
}

function decide(settings: DirectorySettings, user: DirectoryUser, groups: DirectoryGroup[], say: Say): LoginOutcome {
  const met = metBy(settings.require, user, groups)
  if (!met) {
    const wanted = settings.require.map(({ text }) => text).join(' | ')
    return refused({ reason: `${user.name} is not among those who may log in (require: ${wanted})` }, say)
  }
  say(`may log in: ${met.text}`)
  const administers = metBy(settings.admins, user, groups)
  say(administers ? `is an administrator: ${administers.text}` : 'is no administrator')
  return { kind: 'accepted', user, groups, admin: administers !== undefined }
}
