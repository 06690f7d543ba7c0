import { AppError } from '../errors.ts'
import { isEnvelope, keyIdOf, openWith, readKey, type SealingKey, sealWith } from './envelope.ts'
import { createKeyFile, newKey, readKeyFile, writeKeyFile } from './key-file.ts'

/** Keeps secrets that must be read again, passwords for other servers: sealed, they may lie in the database and in backups of it. */
export interface Secrets {
  /** The text in an envelope that only the key opens. Makes the key file at first use. Throws `unavailable` when that cannot be made or read. */
  seal(text: string): string
  /** The text in an envelope. Throws `unavailable` with the reason and the fix: another key, no key, damaged. */
  open(envelope: string): string
  /** Whether a text is an envelope. */
  isSealed(text: string): boolean
  /** Whether an envelope was sealed with the key that `seal` uses now. */
  isCurrent(envelope: string): boolean
}

export interface SecretsSettings {
  /** Keys with commas between, the one to seal with first. */
  key: string | undefined
  /** Where the keys are when there is no `key`. */
  file: string
}

/** Reads nothing yet. A key file is read when it is needed, and again when an envelope names a key that was not in it. */
export function openSecrets({ key, file }: SecretsSettings): Secrets {
  const given = key?.split(',').map((one) => keyOf(one.trim(), 'secrets.key'))
  let read: SealingKey[] = []
  const reread = () => (read = (readKeyFile(file) ?? []).map((line) => keyOf(line, file)))
  const where = given ? 'secrets.key' : file

  function current(): SealingKey {
    const [first] = given ?? (read.length > 0 ? read : reread())
    if (first) return first
    createKeyFile(file)
    return reread()[0]!
  }

  const find = (id: string) =>
    given
      ? given.find((one) => one.id === id)
      : [read, reread].flatMap((keys) => (typeof keys === 'function' ? keys() : keys)).find((one) => one.id === id)

  return {
    seal: (text) => sealWith(current(), text),
    open(envelope) {
      const id = keyIdOf(envelope)
      const found = find(id)
      if (found) return openWith(found, envelope)
      const problem = given || read.length > 0 ? `has other keys` : 'does not exist or is empty'
      throw new AppError(
        'unavailable',
        `it was sealed with key ${id}, and ${where} ${problem}: bring that key back, or set the secret again`,
      )
    },
    isSealed: isEnvelope,
    isCurrent: (envelope) => isEnvelope(envelope) && keyIdOf(envelope) === current().id,
  }
}

/**
 * Puts a new key first in the file and keeps the old ones behind it, so that both open until `forgetOldKeys`. With keys from `secrets.key` there is
 * nothing to do: whoever set them has put the new one first.
 */
export function addNewKey({ key, file }: SecretsSettings): void {
  if (key === undefined) writeKeyFile(file, [newKey(), ...(readKeyFile(file) ?? [])])
}

/** Leaves only the first key in the file: nothing is sealed with the others any more. */
export function forgetOldKeys({ key, file }: SecretsSettings): void {
  if (key === undefined) writeKeyFile(file, (readKeyFile(file) ?? []).slice(0, 1))
}

function keyOf(text: string, where: string): SealingKey {
  const key = readKey(text)
  if (key) return key
  throw new AppError('unavailable', `${where} holds something that is no key of 32 bytes: restore it from a backup`)
}
