import { AppError } from '../errors.ts'

/** A name and a password as a client sent them. */
export interface BasicCredentials {
  username: string
  password: string
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const maxUsernameBytes = 255

/**
 * Reads the value of an `Authorization` header (RFC 7617). The name ends at the first colon; a password may hold more of them.
 * Throws `unauthenticated`, saying what is wrong and never repeating what was sent.
 */
export function parseBasic(header: string): BasicCredentials {
  const [, scheme = '', encoded = ''] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(header) ?? []
  if (scheme === '') throw refused('the Authorization header is empty')
  if (scheme.toLowerCase() !== 'basic')
    throw refused('the Authorization header uses a scheme other than Basic; send a user name and a password as Basic')
  if (encoded === '') throw refused('nothing follows "Basic" in the Authorization header')
  if (encoded.includes(',')) throw refused('there is more than one Authorization header; send one')

  const bytes = decodeBase64(encoded)
  const colon = bytes.indexOf(0x3a)
  if (colon === -1) throw refused('the Basic credentials hold no colon between user name and password')
  if (colon === 0) throw refused('the Basic credentials hold no user name')
  if (colon > maxUsernameBytes) throw refused(`the user name is longer than ${maxUsernameBytes} bytes`)
  // RFC 7617 section 2: "The user-id and password MUST NOT contain any control characters".
  if (bytes.some((byte) => byte < 0x20 || byte === 0x7f))
    throw refused('the Basic credentials hold a control character; was a line break encoded with the password?')
  return { username: decodeUtf8(bytes.subarray(0, colon)), password: decodeUtf8(bytes.subarray(colon + 1)) }
}

/** The name that somebody called themselves by, proven or not; empty when there is none to be read. */
export function nameTried(header: string): string {
  try {
    return parseBasic(header).username
  } catch {
    return '' // Not Basic, or not readable: then there is no name.
  }
}

/** The challenge of RFC 7617 for a realm, with no other parameter: some clients read only this one. */
export function basicChallenge(realm: string): string {
  const printable = realm.replace(/[^\x20-\x7e]/g, '?')
  return `Basic realm="${printable.replace(/["\\]/g, '\\$&')}"`
}

function decodeBase64(encoded: string): Buffer {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) throw refused('the Basic credentials are not base64')
  const bytes = Buffer.from(encoded, 'base64')
  // The decoder drops a dangling character silently; what does not encode back to itself was cut short.
  if (bytes.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, ''))
    throw refused('the Basic credentials are not base64; were they cut short?')
  return bytes
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw refused('the Basic credentials are not UTF-8', cause)
  }
}

function refused(what: string, cause?: unknown): AppError {
  return new AppError('unauthenticated', what, { cause })
}
