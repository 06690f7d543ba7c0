import { constants } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../errors.ts'
import type { ByteStream } from './driver.ts'
import { closeFile, openFile, readFull, statFile } from './filesystem-calls.ts'
import { isAbsence, placeError } from './filesystem-errors.ts'
import { stagedFolder } from './keys.ts'

/** A file and what `stat` says about it. */
export interface FoundFile {
  size: number
  modifiedAt: Date
}

/** Each reader of a stream has a buffer of this size: a thousand are 64 MB. */
const readBytes = 64 * 1024

/** Undefined when there is no regular file at `path`. */
export async function findFile(path: string): Promise<FoundFile | undefined> {
  try {
    const found = await stat(path)
    return found.isFile() ? { size: found.size, modifiedAt: found.mtime } : undefined
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

/**
 * `length` bytes of the file at `path` from `first` on. The file is opened at the first pull, so a stream that nobody reads holds nothing.
 * Rejects with `unavailable` when the file has gone or no longer has `size` bytes; with `mayGrow`, when it has less.
 */
export async function* readFile(
  path: string,
  span: { first: number; length: number; size: number; mayGrow?: boolean },
  place: string,
  signal?: AbortSignal,
): ByteStream {
  signal?.throwIfAborted()
  const fd = await openFile(path, constants.O_RDONLY).catch((error) => {
    throw isAbsence(error) ? changed(path, place, error) : placeError(error, place)
  })
  try {
    const { size } = await statFile(fd)
    if (span.mayGrow ? size < span.size : size !== span.size) throw changed(path, place)
    const buffer = new Uint8Array(Math.min(readBytes, span.length))
    for (let done = 0; done < span.length; ) {
      signal?.throwIfAborted()
      const wanted = buffer.subarray(0, span.length - done)
      const got = await readFull(fd, wanted, span.first + done).catch((error) => {
        throw placeError(error, place)
      })
      if (got < wanted.byteLength) throw changed(path, place)
      yield wanted
      done += got
    }
  } finally {
    await closeFile(fd)
  }
}

/**
 * Every regular file below `root` whose path from there starts with `prefix`; staged uploads apart. Memory is the entries of one folder per
 * level. Links are not followed. What disappears during the walk is left out.
 */
export async function* walkFiles(root: string, prefix: string): AsyncGenerator<FoundFile & { key: string }> {
  yield* walkFolder(prefix.slice(0, prefix.lastIndexOf('/') + 1))

  async function* walkFolder(folder: string): AsyncGenerator<FoundFile & { key: string }> {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error) => {
      if (isAbsence(error)) return []
      throw error
    })
    for (const entry of entries) {
      const key = folder + entry.name
      if (key === stagedFolder) continue
      if (entry.isDirectory() && (`${key}/`.startsWith(prefix) || prefix.startsWith(`${key}/`)))
        yield* walkFolder(`${key}/`)
      if (!entry.isFile() || !key.startsWith(prefix)) continue
      const found = await findFile(join(root, key))
      if (found) yield { key, ...found }
    }
  }
}

function changed(path: string, place: string, cause?: unknown): AppError {
  return new AppError('unavailable', `${place}: ${path} changed or went away before it was read to its end`, { cause })
}
