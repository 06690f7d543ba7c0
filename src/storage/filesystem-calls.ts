import fs from 'node:fs'
import { promisify } from 'node:util'

/** System calls on raw file descriptors, as promises. They reject with the bare errno error; `placeError` gives it a meaning. */
export const openFile = promisify(fs.open) as (path: string, flags: number, mode?: number) => Promise<number>
export const closeFile = promisify(fs.close)
export const truncateFile = promisify(fs.ftruncate)
export const statFile = promisify(fs.fstat) as (fd: number) => Promise<fs.Stats>
/** Makes contents and size durable. */
export const syncData = promisify(fs.fdatasync)
/** Makes a folder's entries durable. */
export const syncAll = promisify(fs.fsync)

/** Opens a file, hands it to `work` and closes it whatever happens. */
export async function withFile<T>(path: string, flags: number, work: (fd: number) => Promise<T>): Promise<T> {
  return closing(await openFile(path, flags, 0o640), work)
}

/** Hands `fd` to `work` and closes it whatever happens. A failing close is reported: it can be the first sign of lost bytes. */
export async function closing<T>(fd: number, work: (fd: number) => Promise<T>): Promise<T> {
  let result: T
  try {
    result = await work(fd)
  } catch (error) {
    // The first error says more than whatever closing says after it.
    await closeFile(fd).catch(() => {})
    throw error
  }
  await closeFile(fd)
  return result
}

/** Writes all of `bytes` at `position`, however many calls it takes. */
export async function writeAll(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < bytes.byteLength) {
    const written = await writeSome(fd, bytes, done, position + done)
    if (written === 0) throw Object.assign(new Error('the disk accepted no bytes'), { code: 'EIO' })
    done += written
  }
}

/** Writes all of `parts` one behind the other from `position` on, in one call unless the disk takes less. */
export async function writeAllOf(fd: number, parts: Uint8Array[], position: number): Promise<void> {
  let taken = await writeSomeOf(fd, parts, position)
  for (const part of parts) {
    if (taken < part.byteLength) await writeAll(fd, part.subarray(taken), position + taken)
    taken = Math.max(0, taken - part.byteLength)
    position += part.byteLength
  }
}

/** Fills `buffer` from `position` on, however many calls it takes. Returns fewer bytes only at the end of the file. */
export async function readFull(fd: number, buffer: Uint8Array, position: number): Promise<number> {
  let done = 0
  while (done < buffer.byteLength) {
    const got = await readSome(fd, buffer, done, position + done)
    if (got === 0) break
    done += got
  }
  return done
}

function writeSome(fd: number, bytes: Uint8Array, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, offset, bytes.byteLength - offset, position, (error, written) =>
      error ? reject(error) : resolve(written),
    )
  })
}

function writeSomeOf(fd: number, parts: Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.writev(fd, parts, position, (error, written) => (error ? reject(error) : resolve(written)))
  })
}

function readSome(fd: number, buffer: Uint8Array, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, offset, buffer.byteLength - offset, position, (error, got) =>
      error ? reject(error) : resolve(got),
    )
  })
}
