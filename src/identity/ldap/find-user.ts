import { problemWithUserName } from '../user-name.ts'
import type { Connection, Entry, Say } from './connection.ts'
import { escapeForDn, firstOfDn } from './dn.ts'
import { filterFor } from './filters.ts'
import type { DirectorySettings } from './settings.ts'
import { DirectoryTrouble } from './trouble.ts'

/** A user as the directory has them. */
export interface DirectoryUser {
  entry: Entry
  /** As the directory writes it, whatever case the user typed. */
  name: string
}

/**
 * When the password was changed, as directories say it: OpenLDAP and others with password policies (draft-behera-ldap-password-policy), Active Directory, FreeIPA. The
 * first two are operational: they come only when they are asked for.
 */
const passwordTimes = ['pwdChangedTime', 'pwdLastSet', 'krbLastPwdChange'] as const

/** A word that changes when the password does; undefined where the directory does not tell (or the searching account may not see it). */
export function passwordVersion({ entry }: Pick<DirectoryUser, 'entry'>): string | undefined {
  for (const name of passwordTimes) {
    const [value] = entry.values(name)
    if (value) return value
  }
  return undefined
}

/** An entry that matches and cannot be used, and why. */
export interface Unusable {
  reason: string
}

/** Looks up who is meant by a name; undefined when nobody is. Throws `DirectoryTrouble`. */
export async function findUser(
  connection: Connection,
  { users, groups }: DirectorySettings,
  typed: string,
  say: Say,
): Promise<DirectoryUser | Unusable | undefined> {
  const filter = filterFor(users.filter, { user: typed })
  say(`search for the user: base ${users.base || '(the root)'}, scope ${users.scope}, filter ${filter}`)
  const attributes = [users.id, users.name, users.mail, groups.memberOf, ...passwordTimes]
  const entries = await connection.search({ base: users.base, scope: users.scope, filter, attributes, limit: 2 })
  return theOne(entries, users.id, typed, say)
}

/** Reads the entry at a DN that was made of the user's name. */
export async function readUser(
  connection: Connection,
  { users, groups }: DirectorySettings,
  dn: string,
  typed: string,
  say: Say,
): Promise<DirectoryUser | Unusable> {
  say(`read the entry ${dn}`)
  const attributes = [users.id, users.name, users.mail, groups.memberOf, ...passwordTimes]
  const filter = filterFor('(objectClass=*)', { user: typed })
  const entries = await connection.search({ base: dn, scope: 'base', filter, attributes, limit: 2 })
  const user = theOne(entries, users.id, typed, say)
  if (user) return user
  throw new DirectoryTrouble(`${connection.server}: ${dn} logged in and cannot read its own entry`, {
    advice: 'let users read themselves, or use an account that searches',
  })
}

function theOne(entries: Entry[], id: string, typed: string, say: Say): DirectoryUser | Unusable | undefined {
  const [entry, another] = entries
  if (!entry) {
    say('no entry matches: check the name, the base and the filter, and what the searching account may see')
    return undefined
  }
  if (another)
    return { reason: `several entries match, ${entry.dn} and ${another.dn}: make the base or the filter narrower` }
  say(`entry: ${entry.dn}`)
  const name = nameOf(entry, id)
  if (name === undefined) return { reason: `the entry has no ${id}` }
  const problem = problemWithUserName(name)
  if (problem) return { reason: `the ${id} of the entry cannot be used: ${problem}` }
  if (name !== typed) say(`known here as ${name}, which is how the directory writes it`)
  return { entry, name }
}

/** One name for one person, also where the attribute has several values: the one that the DN is made of, else the first by alphabet. */
function nameOf(entry: Entry, id: string): string | undefined {
  const names = entry.values(id)
  const first = firstOfDn(entry.dn)
  const inDn = first && names.find((name) => name === first.value)
  return inDn ?? [...names].sort()[0]
}

/** The DN, or what else a user binds as, of a template with `{user}`. */
export function bindNameFor(template: string, user: string): string {
  // A function as the replacement: `$&` in a name must stay what it is.
  return template.replaceAll('{user}', () => (template.includes('=') ? escapeForDn(user) : user))
}
