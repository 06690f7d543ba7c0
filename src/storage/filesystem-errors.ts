import { AppError } from '../errors.ts'

/** The errno name of a system call's error, `ENOENT`; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined
}

/** Whether a system call failed because nothing is there. A path that leads through a file, or ends at a folder, names no object either. */
export function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errnoOf(error) ?? '')
}

/** What a system call's error means to callers of a driver. Errors that are already ours, and mistakes in our own code, are returned as they are. */
export function placeError(error: unknown, place: string): unknown {
  const errno = errnoOf(error)
  if (error instanceof AppError || !(error instanceof Error) || !errno || mistakes.includes(errno)) return error
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new AppError('storage-full', `${place} has no room left (${errno}): free some, or raise the quota`, {
      cause: error,
    })
  }
  return new AppError('unavailable', `${place} cannot be used: ${error.message}`, { cause: error })
}

// Only wrong arguments lead to these.
const mistakes = ['EBADF', 'EINVAL', 'EFAULT', 'ENAMETOOLONG']
