import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { AppError } from '../errors.ts'

/** 32 bytes, and the name that envelopes call them by. */
export interface SealingKey {
  id: string
  bytes: Buffer
}

/** The key written as 64 hexadecimal digits or as base64. Undefined: it is no such key. */
export function readKey(text: string): SealingKey | undefined {
  const bytes = Buffer.from(text, text.length === 64 ? 'hex' : 'base64')
  // The name must tell nothing of the key: half of a hash of it does not.
  const id = createHash('sha256').update('entrepot secrets key').update(bytes).digest('hex').slice(0, 8)
  return bytes.length === 32 ? { id, bytes } : undefined
}

const prefix = 'sealed:v1:'

/** Whether a text is what `sealWith` has made. */
export function isEnvelope(text: string): boolean {
  return text.startsWith(prefix)
}

/** AES-256-GCM with a nonce of its own: `sealed:v1:<key id>:<nonce>:<cipher text and tag>`, base64url. */
export function sealWith({ id, bytes }: SealingKey, text: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', bytes, nonce)
  cipher.setAAD(Buffer.from(prefix + id))
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${prefix}${id}:${nonce.toString('base64url')}:${body.toString('base64url')}`
}

/** The name of the key that an envelope was sealed with. Throws `unavailable` when it is none. */
export function keyIdOf(envelope: string): string {
  const [, id] = /^sealed:v1:([0-9a-f]{8}):/.exec(envelope) ?? []
  if (id === undefined)
    throw new AppError('unavailable', 'what should be a sealed secret is none: set the secret again')
  return id
}

/** The text in an envelope of this key. Throws `unavailable` when it was changed or cut. */
export function openWith({ bytes }: SealingKey, envelope: string): string {
  const [, , id, nonce = '', body = ''] = envelope.split(':')
  const sealed = Buffer.from(body, 'base64url')
  try {
    const decipher = createDecipheriv('aes-256-gcm', bytes, Buffer.from(nonce, 'base64url'), { authTagLength: 16 })
    decipher.setAAD(Buffer.from(prefix + id))
    decipher.setAuthTag(sealed.subarray(-16))
    return decipher.update(sealed.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8')
  } catch (cause) {
    throw new AppError('unavailable', `a secret sealed with key ${id} is damaged: set it again`, { cause })
  }
}
