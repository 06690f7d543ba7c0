import { createHash, randomInt } from 'node:crypto'

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const pattern = /^(ept_[0-9A-Za-z]{40})([0-9A-Za-z]{6})$/

/**
 * A new access token: `ept_`, 40 random letters and digits (238 bits), and 6 that are a checksum of those before them. The prefix is what secret scanners find,
 * and the checksum tells a typo from a token without looking anywhere.
 */
export function createSecret(): string {
  const random = Array.from({ length: 40 }, () => digits[randomInt(digits.length)]).join('')
  return `ept_${random}${checksum(`ept_${random}`)}`
}

/** Whether a password is an access token by its form. */
export function isSecret(password: string): boolean {
  const [, body, sum] = pattern.exec(password) ?? []
  return body !== undefined && sum === checksum(body)
}

/**
 * What is stored of an access token. One round of SHA-256: slow hashes exist because people choose passwords that can be guessed, and nobody guesses 238 random
 * bits. So a lookup by hash finds the row, and takes as long for a token that exists as for one that does not.
 */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

/** The first 40 bits of the SHA-256 of what stands before it, modulo 62^6, as six digits of base 62. */
function checksum(body: string): string {
  let rest = createHash('sha256').update(body).digest().readUIntBE(0, 5) % digits.length ** 6
  let text = ''
  for (let place = 0; place < 6; place++) {
    text = digits[rest % digits.length] + text
    rest = Math.floor(rest / digits.length)
  }
  return text
}
