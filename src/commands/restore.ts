import { createClosers } from '../closers.ts'
import { openDatabase } from '../database/database.ts'
import type { DumpHeader } from '../database/dump-format.ts'
import { loadDatabase } from '../database/load.ts'
import { AppError } from '../errors.ts'
import { loadOrExplain } from './configured.ts'
import { readLines } from './gzip-lines.ts'
import type { CommandIo } from './io.ts'

/**
 * `entrepot restore FILE [--force]`: fills an empty database from a backup, or replaces what is in it. The server must not be running. Returns the
 * exit code; unless it is 0, nothing has changed.
 */
export async function restore(
  file: string,
  options: { config?: string | undefined; force?: boolean | undefined },
  io: CommandIo,
): Promise<number> {
  const config = loadOrExplain(options, io)
  if (!config) return 2
  const closers = createClosers()
  try {
    const db = closers.add(await openDatabase(config.database))
    let header: DumpHeader | undefined
    await loadDatabase(db, () => readLines(file), {
      replace: options.force ?? false,
      onHeader: (found) => {
        header = found
      },
    })
    const { counts, createdAt, stores } = header!
    io.err.write(
      `restored ${counts.images} images, ${counts.manifests} manifests, ${counts.tags} tags as of ${createdAt}\n`,
    )
    for (const store of stores.filter((name) => !(name in config.blobStores))) {
      io.err.write(`warning: the backup names a blob store ${store}, which is not configured: add it to blobStores\n`)
    }
    return 0
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    io.err.write(`nothing was restored: ${error.message}\n`)
    return 1
  } finally {
    await closers.closeAll()
  }
}
