import type { Config } from '../config/config.ts'
import type { GrantTerms, Subject } from './grant.ts'

/** A grant to a group as the settings of a directory have it. */
export interface GroupGrant {
  group: string
  role: string
  repository: string
  images: readonly string[]
}

type AccessConfig = Pick<Config, 'grants' | 'users' | 'anonymous'>

/** The grants of a directory's settings. */
export function groupGrants(declared: readonly GroupGrant[]): GrantTerms[] {
  return declared.map(({ group, ...terms }) => ({ subject: { kind: 'group', name: group }, ...termsOf(terms) }))
}

/** What the configuration file grants, each grant once; `more` is what stands in parts of it that other rooms know. */
export function declaredGrants(config: AccessConfig, more: readonly GrantTerms[] = []): GrantTerms[] {
  return [...grantsInLists(config), ...more, ...config.anonymous.pull.map(openedBy)]
}

/**
 * Whether users of an htpasswd file may do everything, as in registry:2: as long as the file grants nothing to anybody in particular. `anonymous.pull` alone
 * takes nothing away from them.
 */
export function usersMayAll(config: AccessConfig & Pick<Config, 'auth'>, more: readonly GrantTerms[] = []): boolean {
  return config.auth !== undefined && config.auth !== 'none' && grantsInLists(config).length + more.length === 0
}

function grantsInLists({ grants, users }: AccessConfig): GrantTerms[] {
  const named = users.flatMap(({ name, grants: own }) =>
    own.map((terms) => ({ subject: { kind: 'user', name } as const, ...termsOf(terms) })),
  )
  return [...grants.map((grant) => ({ subject: subjectOf(grant), ...termsOf(grant) })), ...named]
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
