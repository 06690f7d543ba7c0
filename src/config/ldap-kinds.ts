import { kind, Wrong } from './kinds.ts'
import { isAttribute, type LdapUrl, parseLdapUrl, problemWithFilter } from './ldap-url.ts'

/** Who may enter: everyone who can log in, the members of any of some groups, or some users. Names or DNs. */
export interface Requirement {
  readonly of: 'everyone' | 'groups' | 'users'
  readonly names: readonly string[]
  /** As written. */
  readonly text: string
}

/** A directory server, and in the one-line form also who its users are. */
export const ldapUrl = kind<LdapUrl>('URL of a directory', parseLdapUrl, {
  show: ({ text }) => text,
  mask: (text) => text.replace(/:\/\/.*@/, '://***@'),
})

/** A search filter of a directory (RFC 4515). */
export const ldapFilter = kind<string>('search filter', (given) => {
  const problem = problemWithFilter(given)
  return problem
    ? new Wrong(problem, 'write for example (&(objectClass=person)(memberOf=cn=staff,dc=example,dc=com))')
    : given
})

/** The name of an attribute. */
export const ldapAttribute = kind<string>('attribute', (given) =>
  isAttribute(given) ? given : new Wrong('is not the name of an attribute', 'write for example uid or sAMAccountName'),
)

/** `valid-user` (or `valid_user`), `group NAME ...`, `user NAME ...`; a name with spaces in quotes, or a DN alone. */
export const requirement = kind<Requirement>(
  'requirement',
  (given) => {
    const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(given.trim()) ?? []
    const names = namesIn(rest)
    const text = given.trim()
    if (/^valid[-_]user$/i.test(word) && names.length === 0) return { of: 'everyone', names, text }
    if (word.toLowerCase() === 'group' && names.length > 0) return { of: 'groups', names, text }
    if (word.toLowerCase() === 'user' && names.length > 0) return { of: 'users', names, text }
    return new Wrong('says not who', 'write valid-user, group developers, or user alice bob')
  },
  { show: ({ text }) => text },
)

function namesIn(text: string): string[] {
  // A DN has commas and often spaces, and web servers take the whole rest of the line for one.
  if (/^[^"'\s]+=/.test(text)) return [text.trim()]
  const words = text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)
  return [...words].map(([, double, single, plain]) => double ?? single ?? plain ?? '').filter((name) => name !== '')
}
