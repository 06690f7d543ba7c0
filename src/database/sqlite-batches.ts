import type { Database as BunSqlite } from 'bun:sqlite'
import type { Kysely } from 'kysely'
import { AppError } from '../errors.ts'
import type { Queries } from './database.ts'
import type { Schema } from './schema.ts'

interface Waiting {
  durable: boolean
  run(queries: Queries): Promise<unknown>
  resolve(value: unknown): void
  reject(error: unknown): void
}

interface Surroundings {
  /** Runs something as soon as no other process writes. */
  whenFree<T>(run: () => T): Promise<T>
  /** What an error of SQLite means to callers. */
  meaningOf(error: unknown): unknown
  onCommit(): void
}

/** See `createBatches`. */
export interface Batches {
  /** Runs work in a transaction that others may share; resolves when it is committed, durably where that is wanted. */
  run<T>(durable: boolean, work: (queries: Queries) => Promise<T>): Promise<T>
  /** Takes nothing more, and waits for what it has taken: the file must not be closed in the middle of a transaction. */
  close(): Promise<void>
}

/** More would only keep the first ones of a batch waiting. */
const largestBatch = 64

/**
 * Group commit. SQLite has one writer, and a durable commit costs a flush of the disk during which this process stands still; so whatever waits
 * meanwhile goes into one transaction, each piece of work behind a savepoint of its own, and is acknowledged after the one commit. A batch
 * without durable work is committed without a flush.
 */
export function createBatches(
  file: BunSqlite,
  queries: Kysely<Schema>,
  { whenFree, meaningOf, onCommit }: Surroundings,
): Batches {
  const waiting: Waiting[] = []
  let draining: Promise<void> | undefined
  let isClosed = false

  const statement = (sql: string) => {
    const prepared = file.prepare(sql)
    return () => void prepared.run()
  }
  const [begin, commit, rollback] = ['begin immediate', 'commit', 'rollback'].map(statement) as Statements
  const [mark, release, rollbackToMark] = ['savepoint work', 'release work', 'rollback to work'].map(
    statement,
  ) as Statements
  const synchronous = (mode: 'full' | 'normal') => void file.run(`pragma synchronous = ${mode}`)

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, largestBatch)
      await queries.connection().execute((connection) => runBatch(connection, batch))
    }
    draining = undefined
  }

  /** Never throws: every piece of work is told how it ended. */
  async function runBatch(connection: Queries, batch: Waiting[]): Promise<void> {
    const acknowledge: (() => void)[] = []
    try {
      // The pragma has no effect within a transaction.
      if (!batch.some(({ durable }) => durable)) synchronous('normal')
      await whenFree(begin)
      for (const work of batch) {
        const outcome = await attempt(connection, work)
        acknowledge.push(outcome)
      }
      commit()
      onCommit()
    } catch (error) {
      if (file.inTransaction) rollback()
      for (const work of batch) work.reject(meaningOf(error))
      return
    } finally {
      // For single statements, which are made outside of batches and are durable too.
      synchronous('full')
    }
    for (const tell of acknowledge) tell()
  }

  async function attempt(connection: Queries, work: Waiting): Promise<() => void> {
    mark()
    try {
      const value = await work.run(connection)
      release()
      return () => work.resolve(value)
    } catch (error) {
      // A full disk or a damaged file ends the whole transaction, not just this piece of it.
      if (!file.inTransaction) throw error
      rollbackToMark()
      release()
      return () => work.reject(error)
    }
  }

  return {
    run: (durable, run) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new AppError('unavailable', 'the database is closed'))
        waiting.push({ durable, run, resolve: resolve as (value: unknown) => void, reject })
        draining ??= drain()
      }),
    async close() {
      isClosed = true
      await draining
    },
  }
}

type Statements = [() => void, () => void, () => void]
