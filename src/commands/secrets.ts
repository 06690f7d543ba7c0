import { createClosers } from '../closers.ts'
import { secretsSettings } from '../config/config.ts'
import { openDatabase, type Queries } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { resealSigningKeys } from '../identity/tokens/sealer.ts'
import { resealRepositories } from '../repositories/reseal.ts'
import { addNewKey, forgetOldKeys, openSecrets, type Secrets } from '../secrets/secrets.ts'
import { loadOrExplain } from './configured.ts'
import { openConsoleAudit } from './console-audit.ts'
import type { CommandIo } from './io.ts'

/** Everybody who keeps sealed secrets in the database: seals them anew and returns how many rows that were. Throws when one cannot be opened. */
const holders: ((queries: Queries, secrets: Secrets) => Promise<number>)[] = [resealRepositories, resealSigningKeys]

/**
 * `entrepot secrets rotate`: a new key, everything sealed with it in one transaction, and only then the old key goes. Broken off at any moment, both keys are in the
 * file; call it again. Returns the exit code.
 */
export async function rotateSecrets(
  options: { config?: string | undefined; json?: boolean | undefined },
  io: CommandIo,
): Promise<number> {
  const config = loadOrExplain(options, io)
  if (!config) return 2
  const closers = createClosers()
  const settings = secretsSettings(config)
  try {
    const db = closers.add(await openDatabase(config.database))
    addNewKey(settings)
    const secrets = openSecrets(settings)
    const rows = await db.transaction(async (tx) => {
      let sealed = 0
      for (const reseal of holders) sealed += await reseal(tx, secrets)
      return sealed
    })
    forgetOldKeys(settings)
    openConsoleAudit(db, io, closers.add)('secrets.rotate', '', { detail: { rows } })
    const key = settings.key === undefined ? settings.file : 'secrets.key'
    if (options.json) io.out.write(`${JSON.stringify({ rows, key })}\n`)
    else
      io.err.write(
        `rows with secrets that were sealed anew: ${rows}; with the first key of ${key}; keep a copy of it with your backups\n`,
      )
    return 0
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    io.err.write(`nothing was sealed anew: ${error.message}\n`)
    return 1
  } finally {
    await closers.closeAll()
  }
}
