import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, readdir, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { AppError } from '../errors.ts'
import type { ByteRange, ByteStream, StorageDriver } from './driver.ts'
import { syncAll, withFile, writeAll } from './filesystem-calls.ts'
import { errnoOf, isAbsence, placeError } from './filesystem-errors.ts'
import { createFolders } from './filesystem-folders.ts'
import { findFile, readFile, walkFiles } from './filesystem-read.ts'
import { appendToFile, fillFile, syncFile } from './filesystem-staging.ts'
import { checkKey, checkPrefix, checkUploadId, isUploadId, spanOf, stagedFolder } from './keys.ts'

export interface FilesystemOptions {
  /** Folder that holds the objects, `/var/lib/registry`. Made if missing. */
  root: string
}

/**
 * Objects as files at `<root>/<key>`, staged uploads at `<root>/_staged/<upload id>`: one file system, so publishing is a rename.
 * What a crash leaves of a `write` is listed by `staged()`. Removing is not durable by itself: after a power cut an object may be back.
 * Throws `unavailable` or `storage-full` when the folders cannot be made or do not belong together.
 */
export async function openFilesystemDriver(options: FilesystemOptions): Promise<StorageDriver> {
  const root = resolve(options.root)
  const description = `filesystem ${root}`
  const staging = join(root, stagedFolder)
  const folders = createFolders(root)
  const objectPath = (key: string) => join(root, checkKey(key))
  const stagedPath = (upload: string) => join(staging, checkUploadId(upload))

  // Around system calls only: what a client's stream throws is passed on untouched.
  async function inPlace<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw placeError(error, description)
    }
  }

  async function readFound(
    path: string,
    range: ByteRange | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ByteStream | undefined> {
    signal?.throwIfAborted()
    const found = await inPlace(() => findFile(path))
    return found && readFile(path, { ...spanOf(range, found.size), size: found.size }, description, signal)
  }

  await inPlace(() => prepare(root, staging))

  return {
    description,

    async stat(key, { signal } = {}) {
      signal?.throwIfAborted()
      const found = await inPlace(() => findFile(objectPath(key)))
      return found && { key, ...found }
    },

    read: (key, range, { signal } = {}) => readFound(objectPath(key), range, signal),

    async write(key, bytes, { signal } = {}) {
      const target = objectPath(key)
      signal?.throwIfAborted()
      const file = stagedPath(`write-${randomUUID()}`)
      const { end, failure, modifiedAt } = await inPlace(() => fillFile(file, bytes, signal))
      if (failure) throw failure.reason
      try {
        await inPlace(() => folders.publish(file, target))
      } catch (error) {
        await inPlace(() => unlinkIfThere(file))
        throw error
      }
      return { key, size: end, modifiedAt }
    },

    async remove(key) {
      const target = objectPath(key)
      await inPlace(() => unlinkIfThere(target))
      await inPlace(() => folders.prune(target))
    },

    async *list(prefix, { signal } = {}) {
      const files = walkFiles(root, checkPrefix(prefix))
      while (true) {
        signal?.throwIfAborted()
        const next = await inPlace(() => files.next())
        if (next.done) return
        yield next.value
      }
    },

    async stagedSize(upload) {
      const found = await inPlace(() => findFile(stagedPath(upload)))
      return found?.size
    },

    async append(upload, offset, bytes, options = {}) {
      options.signal?.throwIfAborted()
      const file = stagedPath(upload)
      const { end, failure } = await inPlace(() =>
        appendToFile(file, offset, bytes, options).catch((error) => {
          throw offset > 0 && isAbsence(error) ? uploadUnknown(upload, error) : error
        }),
      )
      if (failure) throw failure.reason
      return end
    },

    async readStaged(upload, { signal, offset = 0 } = {}) {
      const path = stagedPath(upload)
      signal?.throwIfAborted()
      const found = await inPlace(() => findFile(path))
      if (!found) return undefined
      const length = Math.max(0, found.size - offset)
      return readFile(path, { first: offset, length, size: found.size, mayGrow: true }, description, signal)
    },

    async commit(upload, key) {
      const file = stagedPath(upload)
      const target = objectPath(key)
      await inPlace(async () => {
        try {
          await syncFile(file)
          await folders.publish(file, target)
        } catch (error) {
          throw errnoOf(error) === 'ENOENT' && !(await findFile(file)) ? uploadUnknown(upload, error) : error
        }
      })
    },

    async discard(upload) {
      await inPlace(() => unlinkIfThere(stagedPath(upload)))
    },

    async *staged() {
      for (const id of await inPlace(() => readdir(staging))) {
        const found = isUploadId(id) ? await inPlace(() => findFile(join(staging, id))) : undefined
        if (found) yield { id, ...found }
      }
    },

    async check() {
      const file = stagedPath(`check-${randomUUID()}`)
      await inPlace(async () => {
        try {
          await withFile(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, (fd) =>
            writeAll(fd, Buffer.from('x'), 0),
          )
        } finally {
          await unlinkIfThere(file)
        }
      })
    },

    async close() {},

    localFile: objectPath,
  }
}

async function prepare(root: string, staging: string): Promise<void> {
  try {
    const firstMade = await mkdir(root, { recursive: true, mode: 0o750 })
    if (firstMade) {
      for (let folder = root; folder.length >= firstMade.length; folder = dirname(folder))
        await syncFolder(dirname(folder))
    }
    await mkdir(staging, { recursive: true, mode: 0o750 })
    await syncFolder(root)
  } catch (error) {
    const user = process.getuid?.() ?? 'unknown'
    const message = `cannot use the folder ${root} for storage: ${(error as Error).message}. Give it to the user this runs as (uid ${user}) or name another`
    if (!errnoOf(error) || ['ENOSPC', 'EDQUOT'].includes(errnoOf(error)!)) throw error
    throw new AppError('unavailable', message, { cause: error })
  }
  const [objects, uploads] = await Promise.all([stat(root), stat(staging)])
  if (objects.dev !== uploads.dev) {
    throw new AppError(
      'unavailable',
      `${staging} is on another file system than ${root}: uploads could not be moved into place`,
    )
  }
}

function syncFolder(folder: string): Promise<void> {
  return withFile(folder, constants.O_RDONLY | constants.O_DIRECTORY, syncAll)
}

async function unlinkIfThere(file: string): Promise<void> {
  try {
    await unlink(file)
  } catch (error) {
    if (!isAbsence(error)) throw error
  }
}

function uploadUnknown(upload: string, cause?: unknown): AppError {
  return new AppError('upload-unknown', `nothing is staged for the upload ${upload}`, { cause })
}
