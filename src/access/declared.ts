import { type Config, htpasswdOf } from '../config/config.ts'
import type { GrantTerms, Subject } from './grant.ts'

/** A grant to a group as the settings of a directory have it. */
export interface GroupGrant {
  group: string
  role: string
  repository: string
  images: readonly string[]
}

/** What of the configuration grants something. */
export type GrantingConfig = Pick<Config, 'grants' | 'users' | 'anonymous'> & {
  ldap?: readonly { grants: readonly GroupGrant[] }[]
}

/** What the configuration file grants; some of it perhaps twice. */
export function declaredGrants(config: GrantingConfig): GrantTerms[] {
  return [...grantsInLists(config), ...config.anonymous.pull.map(openedBy)]
}

/**
 * Whether users of an htpasswd file may do everything, as in registry:2: as long as the file grants nothing to anybody in particular. `anonymous.pull` alone
 * takes nothing away from them.
 */
export function usersMayAll(config: GrantingConfig & Pick<Config, 'auth'>): boolean {
  return htpasswdOf(config) !== undefined && grantsInLists(config).length === 0
}

function grantsInLists({ grants, users, ldap = [] }: GrantingConfig): GrantTerms[] {
  return [
    ...grants.map((grant) => ({ subject: subjectOf(grant), ...termsOf(grant) })),
    ...users.flatMap(({ name, grants: own }) => own.map((terms) => grantTo('user', name, terms))),
    ...ldap.flatMap((directory) => directory.grants.map((grant) => grantTo('group', grant.group, grant))),
  ]
}

function grantTo(kind: 'user' | 'group', name: string, terms: Omit<GrantTerms, 'subject'>): GrantTerms {
  return { subject: { kind, name }, ...termsOf(terms) }
}

function openedBy(repository: string): GrantTerms {
  return { subject: { kind: 'anonymous', name: '' }, role: 'reader', repository, images: [] }
}

function subjectOf({ user, group, robot, authenticated }: Config['grants'][number]): Subject {
  if (user !== undefined) return { kind: 'user', name: user }
  if (group !== undefined) return { kind: 'group', name: group }
  if (robot !== undefined) return { kind: 'robot', name: robot }
  return { kind: authenticated ? 'authenticated' : 'anonymous', name: '' }
}

function termsOf({ role, repository, images }: Omit<GrantTerms, 'subject'>): Omit<GrantTerms, 'subject'> {
  return { role, repository, images }
}
