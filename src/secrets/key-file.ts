import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { AppError } from '../errors.ts'

/** A new key as text. */
export const newKey = (): string => randomBytes(32).toString('hex')

/** The keys in the file, a line each. Undefined: there is no file. Throws `unavailable` when it cannot be read. */
export function readKeyFile(file: string): string[] | undefined {
  try {
    const lines = readFileSync(file, 'utf8').split('\n')
    return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw trouble(file, 'read', cause)
  }
}

/** Makes the file with a new key, mode 0600. Leaves one alone that another process has made meanwhile. */
export function createKeyFile(file: string): void {
  put(file, [newKey()], (draft) => {
    try {
      linkSync(draft, file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    rmSync(draft, { force: true })
  })
}

/** Replaces what is in the file, all or nothing. */
export function writeKeyFile(file: string, keys: string[]): void {
  put(file, keys, (draft) => renameSync(draft, file))
}

/** Durable before anything is sealed with it: a key that is lost takes every secret with it. */
function put(file: string, keys: string[], place: (draft: string) => void): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const fd = openSync(draft, 'wx', 0o600)
    try {
      const bytes = Buffer.from(
        `# Opens the secrets in the database. Keep it in your backups, apart from them.\n${keys.join('\n')}\n`,
      )
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
      fdatasyncSync(fd)
    } finally {
      closeSync(fd)
    }
    place(draft)
    const folder = openSync(dirname(file), 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  } catch (cause) {
    rmSync(draft, { force: true })
    throw trouble(file, 'written', cause)
  }
}

function trouble(file: string, what: string, cause: unknown): AppError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new AppError('unavailable', `the key file ${file} cannot be ${what}: ${reason}`, { cause })
}
