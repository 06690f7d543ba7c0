import { createHash } from 'node:crypto'

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * Apache's own password hash, `$apr1$salt$hash`: a thousand rounds of MD5, as `htpasswd -m` writes. Takes bytes, because that is
 * what the file was made of. Runs where it is called, about a millisecond; kept only to read files that others wrote, which
 * is too little to take on a package for.
 */
export function apr1(password: Uint8Array, salt: string): string {
  const magic = '$apr1$'
  const inner = md5(password, salt, password)
  const start = createHash('md5').update(password).update(magic).update(salt)
  for (let left = password.length; left > 0; left -= 16) start.update(inner.subarray(0, Math.min(16, left)))
  // One byte for every bit of the length: zero for a set bit, the first byte of the password for a clear one.
  for (let bits = password.length; bits > 0; bits >>= 1)
    start.update(bits & 1 ? Uint8Array.of(0) : password.subarray(0, 1))

  let digest: Uint8Array = start.digest()
  for (let round = 0; round < 1000; round++) {
    const odd = round % 2 === 1
    const middle = [round % 3 ? salt : '', round % 7 ? password : '']
    digest = md5(odd ? password : digest, ...middle, odd ? digest : password)
  }
  return `${magic}${salt}$${encode(digest)}`
}

function md5(...parts: (Uint8Array | string)[]): Uint8Array {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Six bits to a character, lowest first, over the bytes in the order that the format prescribes. */
function encode(digest: Uint8Array): string {
  const at = (index: number) => digest[index] ?? 0
  const groups = [0, 1, 2, 3, 4].map((i) => (at(i) << 16) | (at(i + 6) << 8) | at(i === 4 ? 5 : i + 12))
  return groups.map((group) => characters(group, 4)).join('') + characters(at(11), 2)
}

function characters(value: number, count: number): string {
  let text = ''
  for (let i = 0; i < count; i++) text += alphabet[(value >> (6 * i)) & 63]
  return text
}
