import { constants } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { AppError } from '../errors.ts'
import type { ByteStream } from './driver.ts'
import { closing, openFile, statFile, syncData, truncateFile } from './filesystem-calls.ts'
import { type Poured, type PourOptions, pour } from './filesystem-write.ts'

const { O_CREAT, O_EXCL, O_RDWR, O_WRONLY } = constants

/**
 * Adds `bytes` to the staged file at its `offset`, dropping what was beyond. Offset 0 makes the file. Rejects with ENOENT when it is
 * missing, with `range-invalid` when it is shorter; when the disk fails, the file is gone as well.
 */
export async function appendToFile(
  file: string,
  offset: number,
  bytes: ByteStream,
  options: PourOptions = {},
): Promise<Poured> {
  const fd = await openFile(file, offset === 0 ? O_WRONLY | O_CREAT : O_WRONLY, 0o640)
  return distrusting(file, () =>
    closing(fd, async () => {
      const { size } = await statFile(fd)
      if (offset > size) {
        throw new AppError('range-invalid', `cannot continue at byte ${offset}: ${size} are staged`, {
          detail: { size },
        })
      }
      if (offset < size) await truncateFile(fd, offset)
      return pour(fd, offset, bytes, options)
    }),
  )
}

/** Fills a new, durable file with `bytes`. When the stream or the disk fails, the file is gone. */
export async function fillFile(
  file: string,
  bytes: ByteStream,
  signal?: AbortSignal,
): Promise<Poured & { modifiedAt: Date }> {
  const fd = await openFile(file, O_WRONLY | O_CREAT | O_EXCL, 0o640)
  const filled = await distrusting(file, () =>
    closing(fd, async () => {
      const poured = await pour(fd, 0, bytes, { signal })
      if (!poured.failure) await syncData(fd)
      return { ...poured, modifiedAt: (await statFile(fd)).mtime }
    }),
  )
  if (filled.failure) await unlink(file)
  return filled
}

/** Makes what is in the file durable. Rejects with ENOENT when it is missing; when the disk fails, the file is gone as well. */
export async function syncFile(file: string): Promise<void> {
  // Some systems do not sync a file that is open for reading only.
  const fd = await openFile(file, O_RDWR)
  await distrusting(file, () => closing(fd, syncData))
}

// The kernel says once that it could not keep what it had accepted; after that the file may read back as anything. So it goes.
async function distrusting<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    // When the disk refuses even this, the sweep of staged uploads takes the file later.
    if (!(error instanceof AppError)) await unlink(file).catch(() => {})
    throw error
  }
}
