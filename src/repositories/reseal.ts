import type { Queries } from '../database/database.ts'
import { changeRepository, listRepositories, repositoriesChanged } from '../database/repositories.ts'
import { AppError } from '../errors.ts'
import type { Secrets } from '../secrets/secrets.ts'
import { isSealedNow, resealed } from './record.ts'

/** Seals the secrets of all repositories with the current key. Returns how many repositories had any that were not. Throws `unavailable` that names one whose secret cannot be opened. */
export async function resealRepositories(queries: Queries, secrets: Secrets): Promise<number> {
  let changed = 0
  for (const row of await listRepositories({ queries })) {
    if (isSealedNow(row, secrets)) continue
    try {
      await changeRepository(queries, row.id, { settings: resealed(row, secrets) })
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause
      throw new AppError('unavailable', `a secret of repository ${row.name} cannot be opened: ${cause.message}`, {
        cause,
      })
    }
    changed++
  }
  if (changed > 0) await repositoriesChanged(queries)
  return changed
}
