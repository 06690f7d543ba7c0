import { createHash, randomInt, timingSafeEqual } from 'node:crypto'
import { AppError } from '../errors.ts'
import { apr1 } from './apr1.ts'

/** How a stored password is hashed; `refused` is everything that must not open a door. */
export type HashKind = 'argon2id' | 'bcrypt' | 'apr1' | 'sha1' | 'refused'

const bcryptBytes = 72
/** The largest that the `htpasswd` program writes, some seconds of work. More would only serve to tie up a core. */
const maxBcryptCost = 17

/** Names the kind of a hash by its form alone. */
export function kindOfHash(hash: string): HashKind {
  if (/^\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+$/.test(hash)) return 'argon2id'
  const cost = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(hash)?.[1]
  if (cost !== undefined) return Number(cost) >= 4 && Number(cost) <= maxBcryptCost ? 'bcrypt' : 'refused'
  if (/^\$apr1\$[^$]{1,8}\$[./A-Za-z0-9]{22}$/.test(hash)) return 'apr1'
  if (/^\{SHA\}[A-Za-z0-9+/]{27}=$/.test(hash)) return 'sha1'
  return 'refused'
}

/**
 * Whether `password` is the one behind `hash`. Works on the runtime's thread pool for argon2id and bcrypt; false for a hash of a
 * refused kind and for an empty password. The pool also serves files, so callers must bound how many run at once.
 */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const bytes = Buffer.from(password)
  if (bytes.length === 0) return false
  switch (kindOfHash(hash)) {
    case 'argon2id':
      return Bun.password.verify(bytes, hash, 'argon2id')
    case 'bcrypt':
      // bcrypt reads 72 bytes and Apache ignores the rest; Bun would hash a longer password first, which no file means.
      return Bun.password.verify(bytes.subarray(0, bcryptBytes), hash, 'bcrypt')
    case 'apr1':
      return sameText(apr1(bytes, hash.split('$')[2] ?? ''), hash)
    case 'sha1':
      return sameText(`{SHA}${createHash('sha1').update(bytes).digest('base64')}`, hash)
    case 'refused':
      return false
  }
}

/** Hashes for a user of our own: argon2id with 19 MiB and two passes, the least that OWASP recommends, so that two at once stay small. */
export function hashPassword(password: string): Promise<string> {
  return Bun.password.hash(password, { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 })
}

/**
 * Hashes as `htpasswd -B` does, `$2y$` included. Throws `request-invalid` for more than 72 bytes, which bcrypt would cut off in silence.
 */
export async function hashForHtpasswd(password: string, cost = 10): Promise<string> {
  const length = Buffer.byteLength(password)
  if (length > bcryptBytes)
    throw new AppError(
      'request-invalid',
      `the password is ${length} bytes long; bcrypt reads only ${bcryptBytes}: use a shorter one`,
    )
  const hash = await Bun.password.hash(password, { algorithm: 'bcrypt', cost })
  return hash.replace(/^\$2b\$/, '$2y$')
}

/** A password nobody can guess, about 140 bits, of characters that are not taken for one another. */
export function randomPassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
  return Array.from({ length: 24 }, () => alphabet[randomInt(alphabet.length)]).join('')
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
