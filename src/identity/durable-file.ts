import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'

/** A file as it stands, or `undefined` when there is none at that path. */
export interface FileText {
  text: string
  stats: fs.Stats
}

/** Reads a small file together with what it was at that moment. Any error but absence is thrown. */
export function readTextFile(path: string): FileText | undefined {
  let fd: number
  try {
    fd = fs.openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const stats = fs.fstatSync(fd)
    return { text: fs.readFileSync(fd, 'utf8'), stats }
  } finally {
    fs.closeSync(fd)
  }
}

/**
 * Creates a file with mode 0600: whole and on disk, or not at all. False when something is there already, also when two
 * processes try at once.
 */
export function createSecretFile(path: string, text: string): boolean {
  const staged = stage(path, text, 0o600)
  try {
    // A link fails where a rename would replace, and shows the file only when it is complete.
    fs.linkSync(staged, path)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    // File systems without links (FAT, some network and desktop mounts): the file may be seen while it is written.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code)) throw error
    if (!writeExclusively(path, text)) return false
  } finally {
    fs.unlinkSync(staged)
  }
  syncFolder(dirname(path))
  return true
}

/**
 * Replaces an existing file: readers see the old text or the new one, and owner and mode stay. Throws when the owner cannot be
 * kept, or the file is a mount of its own (EBUSY).
 */
export function replaceFile(path: string, text: string, stats: fs.Stats): void {
  const staged = stage(path, text, stats.mode & 0o7777, stats)
  try {
    fs.renameSync(staged, path)
  } catch (error) {
    fs.unlinkSync(staged)
    throw error
  }
  syncFolder(dirname(path))
}

/** Removes a file if it is there, for good. */
export function removeFile(path: string): void {
  fs.rmSync(path, { force: true })
  syncFolder(dirname(path))
}

function writeExclusively(path: string, text: string): boolean {
  try {
    fs.writeFileSync(path, text, { flag: 'wx', mode: 0o600, flush: true })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function stage(path: string, text: string, mode: number, owner?: { uid: number; gid: number }): string {
  const staged = join(dirname(path), `.entrepot-${randomBytes(8).toString('hex')}.tmp`)
  const fd = fs.openSync(staged, 'wx', 0o600)
  try {
    writeWhole(fd, Buffer.from(text))
    const made = fs.fstatSync(fd)
    if (owner && (made.uid !== owner.uid || made.gid !== owner.gid)) fs.fchownSync(fd, owner.uid, owner.gid)
    fs.fchmodSync(fd, mode)
    fs.fsyncSync(fd)
    return staged
  } catch (error) {
    fs.unlinkSync(staged)
    throw error
  } finally {
    fs.closeSync(fd)
  }
}

function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done)
}

function syncFolder(folder: string): void {
  const fd = fs.openSync(folder, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
