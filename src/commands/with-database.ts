import { createClosers } from '../closers.ts'
import type { Config } from '../config/config.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { loadOrExplain } from './configured.ts'
import { openConsoleAudit, type TellFromConsole } from './console-audit.ts'
import type { CommandIo } from './io.ts'
import { reporting } from './user.ts'

/** Which installation a command is about. */
export interface Installation {
  /** `--config FILE` */
  config?: string | undefined
}

/**
 * Runs a command against the database of an installation, beside a running server or without one: what it changes is seen by servers within their bounds. Makes the
 * database where there is none. What `work` tells is in the audit log. Returns the exit code: what `work` says, 1 when it could not, 2 for a bad configuration or misuse.
 */
export async function withDatabase(
  options: Installation,
  io: CommandIo,
  work: (db: Database, config: Config, tell: TellFromConsole) => Promise<number>,
): Promise<number> {
  const config = loadOrExplain(options, io)
  if (!config) return 2
  return reporting(io, async () => {
    const closers = createClosers()
    try {
      const db = closers.add(await openDatabase(config.database))
      return await work(db, config, openConsoleAudit(db, io, closers.add))
    } finally {
      await closers.closeAll()
    }
  })
}
