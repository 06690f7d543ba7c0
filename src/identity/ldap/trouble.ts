/** The directory cannot be asked, or does not answer the question: nothing is known about the user who wanted to enter. */
export class DirectoryTrouble extends Error {
  override readonly name = 'DirectoryTrouble'
  /** What to change, for operators. */
  readonly advice: string
  /** The server did not answer in time, rather than that the connection broke. */
  readonly late: boolean

  constructor(
    message: string,
    { advice = '', late = false, cause }: { advice?: string; late?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause })
    this.advice = advice
    this.late = late
  }
}

const cutOff = 'the server ended the connection: ldap: on a port for ldaps:, or the other way round?'

/** What an operator can do about a failed connection, by the code of the error. */
const connectAdvice: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there: check host and port, and that the directory runs',
  ECONNRESET: cutOff,
  ETIMEDOUT: 'check host, port and firewalls',
  EHOSTUNREACH: 'check the route and firewalls',
  ENOTFOUND: 'the name has no address: check the host in ldap.url, and DNS',
  EAI_AGAIN: 'the name cannot be resolved at the moment: check DNS',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'use the name that is in the certificate in ldap.url, or give the server a certificate for this one',
  CERT_HAS_EXPIRED: 'renew the certificate of the directory server',
  CERT_NOT_YET_VALID: 'check the clocks of both machines',
}
const untrusted =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER_CERT(_LOCALLY)?|VERIFY_LEAF_SIGNATURE))$/

/** Trouble on the way to a server. */
export function connectTrouble(server: string, doing: string, cause: unknown): DirectoryTrouble {
  if (cause instanceof DirectoryTrouble) return cause
  const { code = '', message = String(cause) } = cause as NodeJS.ErrnoException
  const advice = untrusted.test(code)
    ? 'name the file of the authority that signed its certificate in ldap.ca'
    : (connectAdvice[code] ?? (code === '' ? cutOff : ''))
  return new DirectoryTrouble(`${server}: ${doing}: ${message.split('\n')[0]}`, { advice, cause })
}

/** Result codes of RFC 4511 appendix A that mean something to who set up the directory. */
const results: Record<number, [meaning: string, advice: string]> = {
  1: ['operations error', 'Active Directory answers so to a search without a login: set bindDn and bindPassword'],
  3: ['time limit exceeded', 'give the attribute that is searched for an index'],
  8: ['wants a stronger login', 'use ldaps:, or startTls: true'],
  10: ['a referral to another server, which is not followed', 'write the server that holds the entries in ldap.url'],
  11: ['administrative limit exceeded', 'let the searching account look at more entries, or index the attribute'],
  13: ['wants encryption', 'use ldaps:, or startTls: true'],
  32: [
    'no such entry',
    'check the base; some servers answer so, too, when the account may not see it or bindDn is not set',
  ],
  34: ['a DN that is none', 'check bindDn and the bases'],
  49: ['wrong name or password', 'check bindDn and bindPassword'],
  50: ['insufficient access', 'let the searching account read the entries, or set bindDn'],
  51: ['busy', 'try again'],
  52: ['unavailable', 'look at the log of the directory'],
  53: ['unwilling to perform', 'look at the log of the directory'],
}

/** What Active Directory means by the number after `data` in the message of a refused login. */
const activeDirectory: Record<string, string> = {
  '525': 'there is no such user',
  '52e': 'wrong password',
  '530': 'not allowed to log in at this time',
  '531': 'not allowed to log in from this machine',
  '532': 'the password has expired',
  '533': 'the account is disabled',
  '701': 'the account has expired',
  '773': 'the password must be changed first',
  '775': 'the account is locked',
}

/** A result code in words: `49 (wrong name or password: the account is locked)`. */
export function resultInWords(code: number, message: string): string {
  const data = /\bdata ([0-9a-f]{3})\b/i.exec(message)?.[1]?.toLowerCase()
  const more = data && activeDirectory[data]
  const meaning = results[code]?.[0] ?? 'see RFC 4511 appendix A'
  return `${code} (${more ? `${meaning}: ${more}` : meaning})`
}

/** What to do about a result code. */
export function adviceFor(code: number): string {
  return results[code]?.[1] ?? 'look at the log of the directory'
}

/** Result codes by which a server says that another one should be asked. */
export function isAbsent(code: number): boolean {
  return code === 51 || code === 52
}

/** Result codes to a bind that say no to the password, rather than that the server cannot tell: also a locked account, or an entry without a password. */
export function isRefusal(code: number): boolean {
  return [19, 32, 48, 49, 53].includes(code)
}
