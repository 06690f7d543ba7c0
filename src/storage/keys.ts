import { AppError } from '../errors.ts'
import type { ByteRange, Key, UploadId } from './driver.ts'

/** The folder of staged uploads in places that have folders. No key may start with it. */
export const stagedFolder = '_staged'

/**
 * Returns `key` when it is a relative path of safe segments. Throws `internal` otherwise: keys are made by our own code from checked names
 * and digests, so a bad one is a mistake there, and must never reach a file system.
 */
export function checkKey(key: Key): Key {
  if (!isSafePath(key) || key.split('/')[0] === stagedFolder) throw misuse('storage key', key)
  return key
}

/** Returns `prefix` when it is empty or could begin a key. Throws `internal` otherwise. */
export function checkPrefix(prefix: string): string {
  const folder = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
  if (prefix !== '' && !isSafePath(folder)) throw misuse('storage prefix', prefix)
  return prefix
}

/** Returns `upload` when it is an id as driver.ts describes it. Throws `internal` otherwise. */
export function checkUploadId(upload: UploadId): UploadId {
  if (!isUploadId(upload)) throw misuse('upload id', upload)
  return upload
}

/** Whether `name` could be the id of an upload. */
export function isUploadId(name: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,63}$/.test(name)
}

/** The first byte and the number of bytes that `range` (default: everything) means in an object of `size` bytes. Throws `range-invalid`. */
export function spanOf(range: ByteRange | undefined, size: number): { first: number; length: number } {
  if (!range) return { first: 0, length: size }
  const { first, last } = range
  const isInside =
    Number.isSafeInteger(first) && Number.isSafeInteger(last) && first >= 0 && first <= last && last < size
  if (!isInside) throw new AppError('range-invalid', `bytes ${first}-${last} are not inside an object of ${size} bytes`)
  return { first, length: last - first + 1 }
}

// 255 bytes is what common file systems allow for one segment; 1,024 is what object stores allow for a key.
function isSafePath(path: string): boolean {
  if (Buffer.byteLength(path) > 1024) return false
  return path.split('/').every((segment) => /^[^\0-\x1f\x7f\\]+$/.test(segment) && !isDots(segment) && !isLong(segment))
}

function isDots(segment: string): boolean {
  return segment === '.' || segment === '..'
}

function isLong(segment: string): boolean {
  return Buffer.byteLength(segment) > 255
}

function misuse(what: string, value: string): AppError {
  return new AppError('internal', `${JSON.stringify(value)} is not usable as a ${what}`)
}
