import { isIP } from 'node:net'
import { Wrong } from './kinds.ts'

/** How far below the base a search goes: the entry itself, its children, all below it. */
export type LdapScope = 'base' | 'one' | 'sub'

/** Where a directory server is and, in the one-line form, who its users are. */
export interface LdapUrl {
  /** TLS from the first byte. */
  readonly secure: boolean
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
  /** DN that users are below. */
  readonly base: string | undefined
  /** The attribute that holds the name a user logs in with. */
  readonly attribute: string | undefined
  readonly scope: LdapScope | undefined
  readonly filter: string | undefined
  /** As written. */
  readonly text: string
}

const example = 'write ldaps://dir.example.com/ou=people,dc=example,dc=com?uid?sub?(objectClass=posixAccount)'

/**
 * Reads `ldap[s]://host:port/base?attribute?scope?filter` (RFC 4516), the parts percent-encoded or not, as they stand in the
 * configurations of web servers. Of several attributes the first counts.
 */
export function parseLdapUrl(text: string): LdapUrl | Wrong {
  const [, scheme = '', authority = '', rest = ''] = /^(ldaps?):\/\/([^/?]*)\/?(.*)$/is.exec(text) ?? []
  if (/^ldapi:/i.test(text)) return new Wrong('is a unix socket, which is not supported', 'write ldap://127.0.0.1')
  if (scheme === '') return new Wrong('is not the URL of a directory', example)
  if (authority.includes('@'))
    return new Wrong('has a user or password in it', 'write them as bindDn and bindPassword, and leave them out here')
  const [, six, name, digits] = /^(?:\[([^\]]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(authority) ?? []
  const host = six ?? name
  if (host === undefined || (six && isIP(six) !== 6) || Number(digits ?? 1) > 65_535 || digits === '0')
    return new Wrong('names no host', 'write ldaps://dir.example.com or ldaps://dir.example.com:636')
  const parts = rest.split('?')
  if (parts.length > 5) return new Wrong('has more than four question marks', 'write a ? within a filter as %3F')
  const decoded = parts.map(decode)
  if (decoded.includes(undefined)) return new Wrong('has a % that encodes nothing', 'write a percent sign as %25')
  const [base, attributes, scope, filter, extensions] = decoded
  const known = (['base', 'one', 'sub'] as const).find((word) => word === scope?.toLowerCase())
  if (scope && !known) return new Wrong('has a scope that is none', 'write base, one or sub after the second ?')
  const attribute = attributes?.split(',')[0]?.trim()
  if (attribute && !isAttribute(attribute)) return new Wrong('names no attribute after the first ?', example)
  const problem = filter ? problemWithFilter(filter) : undefined
  if (problem) return new Wrong(`has a filter that ${problem}`, example)
  if (extensions?.split(',').some((one) => one.startsWith('!')))
    return new Wrong('has an extension that must be obeyed', 'leave it out; StartTLS is asked for by startTls: true')
  const secure = scheme.toLowerCase() === 'ldaps'
  return {
    secure,
    host,
    port: digits === undefined ? (secure ? 636 : 389) : Number(digits),
    base: base || undefined,
    attribute: attribute || undefined,
    scope: known,
    filter: filter || undefined,
    text,
  }
}

/** The name of an attribute, or its number (RFC 4512 section 2.5, without options). */
export function isAttribute(text: string): boolean {
  return /^([a-z][a-z0-9-]*|\d+(\.\d+)+)$/i.test(text)
}

/** What is wrong with the form of a search filter (RFC 4515), continuing "the filter ..."; undefined when nothing is. Outer parentheses may be left out. */
export function problemWithFilter(text: string): string | undefined {
  const whole = text.startsWith('(') ? text : `(${text})`
  const end = endOfFilter(whole, 0)
  if (typeof end === 'string') return end
  return end === whole.length ? undefined : 'goes on after its last parenthesis'
}

/** Where the filter that begins at `start` is over, or what is wrong with it. */
function endOfFilter(text: string, start: number): number | string {
  if (text[start] !== '(') return 'lacks an opening parenthesis'
  const operator = text[start + 1] ?? ''
  if (!'&|!'.includes(operator) || operator === '') {
    const item = /^\(([a-z][a-z0-9-]*)?(:[a-z0-9.:-]+)?[:~<>]?=(?:[^()\\]|\\[0-9a-f]{2})*\)/i.exec(text.slice(start))
    return item ? start + item[0].length : 'has a part that is no (attribute=value)'
  }
  let at = start + 2
  let count = 0
  while (text[at] === '(') {
    const end = endOfFilter(text, at)
    if (typeof end === 'string') return end
    at = end
    count++
  }
  if (count === 0 || (operator === '!' && count > 1)) return `has a ${operator} without the filters it is about`
  return text[at] === ')' ? at + 1 : 'lacks a closing parenthesis'
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined // the only reason is a percent sign that encodes nothing
  }
}
