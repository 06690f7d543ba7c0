import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { LdapConfig } from '../../config/config.ts'
import type { Requirement } from '../../config/ldap-kinds.ts'
import type { LdapScope } from '../../config/ldap-url.ts'
import { AppError } from '../../errors.ts'
import type { ConnectionSettings } from './connection.ts'
import { parseFilter } from './filters.ts'
import type { ServerAddress } from './sockets.ts'

/** Everything there is to know about one directory, defaults filled in. Times are in milliseconds. */
export interface DirectorySettings extends ConnectionSettings {
  name: string
  /** At least one, in the order they are tried. */
  servers: ServerAddress[]
  /** How a search is allowed: by an account, as nobody, or by the user, whose name goes into `template`. */
  login: { by: 'account'; dn: string; password: string } | { by: 'nobody' } | { by: 'user'; template: string }
  users: { base: string; scope: LdapScope; filter: string; id: string; name: string; mail: string }
  groups: {
    /** Undefined: they are not searched for. */
    base: string | undefined
    scope: LdapScope
    filter: string
    name: string
    memberOf: string
  }
  require: readonly Requirement[]
  admins: readonly Requirement[]
  offlineGrace: number
  connections: number
}

/** Groups that list a user by DN, and those that list them by name. */
const usualGroups =
  '(|(&(objectClass=groupOfNames)(member={dn}))(&(objectClass=groupOfUniqueNames)(uniqueMember={dn}))(&(objectClass=posixGroup)(memberUid={user}))(&(objectClass=group)(member={dn})))'
/** Active Directory follows groups within groups by this rule. */
const nestedGroups = '(&(objectClass=group)(member:1.2.840.113556.1.4.1941:={dn}))'

/** The directories of a configuration. Reads the files of authorities. Throws `unavailable` when one cannot be used. */
export function directorySettings(configured: readonly LdapConfig[]): DirectorySettings[] {
  return configured.map((config, index) =>
    settingsOf(config, config.name ?? (index === 0 ? 'ldap' : `ldap-${index + 1}`)),
  )
}

function settingsOf(config: LdapConfig, name: string): DirectorySettings {
  const { url, ca, bindDn, bindPassword, attributes, groups, ...rest } = config
  const [first] = url
  const id = attributes.id ?? first?.attribute ?? 'uid'
  const eligible = config.userFilter ?? first?.filter ?? '(objectClass=*)'
  const users = {
    base: config.userBase ?? first?.base ?? '',
    scope: config.userScope ?? first?.scope ?? 'sub',
    filter: eligible.includes('{user}') ? eligible : `(&${inParentheses(eligible)}(${id}={user}))`,
    id,
    name: attributes.name,
    mail: attributes.mail,
  }
  const { base, scope, memberOf } = groups
  const groupFilter = groups.filter ?? (groups.nested ? nestedGroups : usualGroups)
  for (const filter of [users.filter, groupFilter]) parseFilter(filter)
  return {
    name,
    servers: url.map(({ secure, host, port }) => {
      const label = `${secure ? 'ldaps' : 'ldap'}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`
      return { secure, host, port, label }
    }),
    login: loginOf(bindDn, bindPassword),
    users,
    groups: { base, scope, filter: groupFilter, name: groups.name, memberOf },
    ca: ca === undefined ? undefined : authorities(ca),
    insecure: rest.insecure,
    startTls: rest.startTls,
    connectTimeout: rest.connectTimeout,
    timeout: rest.timeout,
    require: rest.require,
    admins: rest.admins,
    offlineGrace: rest.offlineGrace,
    connections: rest.connections,
  }
}

function loginOf(bindDn: string | undefined, bindPassword: string | undefined): DirectorySettings['login'] {
  if (bindDn === undefined) return { by: 'nobody' }
  if (bindDn.includes('{user}')) return { by: 'user', template: bindDn }
  return { by: 'account', dn: bindDn, password: bindPassword ?? '' }
}

function inParentheses(filter: string): string {
  return filter.startsWith('(') ? filter : `(${filter})`
}

function authorities(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new AppError('unavailable', `ldap.ca ${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new AppError('unavailable', `ldap.ca ${file} holds no certificate in PEM form`)
  return text
}
