import { existsSync } from 'node:fs'
import { createClosers } from '../closers.ts'
import { secretsSettings } from '../config/config.ts'
import { openDatabase } from '../database/database.ts'
import { dumpDatabase } from '../database/dump.ts'
import { hasSecrets } from '../database/repositories.ts'
import { AppError } from '../errors.ts'
import { version } from '../version.ts'
import { loadOrExplain } from './configured.ts'
import { openLineWriter } from './gzip-lines.ts'
import type { CommandIo } from './io.ts'

/**
 * `entrepot backup FILE`: writes all metadata as it is at this moment, beside a running server; `-` is standard output. The bytes of blobs are not in
 * it: see docs/backup.md. Returns the exit code.
 */
export async function backup(
  file: string,
  options: { config?: string | undefined },
  io: Omit<CommandIo, 'out'> & { out: NodeJS.WritableStream },
): Promise<number> {
  const config = loadOrExplain(options, io)
  if (!config) return 2
  const closers = createClosers()
  try {
    refuseToCreate(config.database)
    const db = closers.add(await openDatabase(config.database))
    const output = openLineWriter(file, io.out)
    try {
      const { counts, createdAt } = await dumpDatabase(db, { version, now: Date.now() }, output.write)
      await output.finish()
      const { images, manifests, tags, blobs } = counts
      io.err.write(`${images} images, ${manifests} manifests, ${tags} tags, ${blobs} blobs as of ${createdAt}; `)
      io.err.write('now copy the blob stores, see docs/backup.md\n')
      if (await hasSecrets(db.queries)) {
        const { key, file } = secretsSettings(config)
        const where = key === undefined ? file : 'secrets.key of the configuration'
        io.err.write(
          `passwords for other servers are sealed in it; their key, ${where}, is not in it: keep it elsewhere\n`,
        )
      }
      return 0
    } catch (error) {
      await output.abandon()
      throw error
    }
  } catch (error) {
    if (!(error instanceof AppError) && (error as NodeJS.ErrnoException).code === undefined) throw error
    io.err.write(`no backup was made: ${(error as Error).message}\n`)
    return 1
  } finally {
    await closers.closeAll()
  }
}

/** Opening a database makes it; a backup of an empty one would only hide that the configuration names the wrong one. */
function refuseToCreate(database: string): void {
  const path = database.startsWith('sqlite:') ? database.slice('sqlite:'.length) : undefined
  if (path !== undefined && !existsSync(path)) throw new AppError('unavailable', `there is no database ${path}`)
}
