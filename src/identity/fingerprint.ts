import { createHash } from 'node:crypto'

/** Tells whether a stored password is still the same one, without saying anything about it: 96 bits of the SHA-256 of its salted hash. */
export function fingerprint(passwordHash: string): string {
  return createHash('sha256').update(passwordHash).digest('base64url').slice(0, 16)
}
