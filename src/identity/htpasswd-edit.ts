import * as fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import { createSecretFile, readTextFile, replaceFile } from './durable-file.ts'

/** What an edit did to the file. */
export type Edited = 'created' | 'changed' | 'unchanged'

/**
 * Changes an htpasswd file by a function from its old text (empty when there is no file) to its new one, or undefined to leave it.
 * Readers see the old file or the new one; owner, mode and a symbolic link to it stay. Edits wait for one another through
 * `FILE.lock`. Throws `unavailable` when the lock does not come free within `patienceMs` or the file cannot be written.
 */
export async function editHtpasswd(
  path: string,
  change: (text: string) => string | undefined,
  patienceMs = 30_000,
): Promise<Edited> {
  // Only links are followed: asked for the real path of a file that is being replaced, the runtime finds nothing.
  const isLink = fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()
  const file = isLink ? fs.realpathSync(path) : path
  const unlock = await lock(`${file}.lock`, patienceMs)
  try {
    const old = readTextFile(file)
    const text = change(old?.text ?? '')
    if (text === undefined || text === old?.text) return 'unchanged'
    if (old) {
      replaceFile(file, text, old.stats)
      return 'changed'
    }
    if (!createSecretFile(file, text))
      throw new AppError('unavailable', `${file} was created by somebody else; try again`)
    return 'created'
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? cannotWrite(file, error as NodeJS.ErrnoException) : error
  } finally {
    unlock()
  }
}

/**
 * A lock that a crash left behind is reported, not broken: two who break it at once could each remove the other's fresh one, and it is
 * held for milliseconds only.
 */
async function lock(path: string, patienceMs: number): Promise<() => void> {
  for (const started = Date.now(); ; await sleep(20)) {
    try {
      fs.writeFileSync(path, `${process.pid}\n`, { flag: 'wx', mode: 0o600 })
      return () => fs.unlinkSync(path)
    } catch (error) {
      const cause = error as NodeJS.ErrnoException
      if (cause.code !== 'EEXIST') throw cannotWrite(path, cause)
      if (Date.now() - started > patienceMs)
        throw new AppError(
          'unavailable',
          `somebody else is editing the file: ${path} exists; if no other edit is running, delete it`,
          { cause },
        )
    }
  }
}

function cannotWrite(path: string, cause: NodeJS.ErrnoException): AppError {
  const fix: Record<string, string> = {
    EBUSY: 'it is mounted as a single file: mount its folder instead, or edit it where it is kept',
    EPERM: 'its owner could not be kept: run this as its owner or as root',
    EACCES: 'run this as its owner or as root',
    ENOENT: 'create its folder first',
  }
  const hint = fix[cause.code ?? '']
  return new AppError('unavailable', `cannot write ${path}: ${cause.message}${hint ? `; ${hint}` : ''}`, { cause })
}
