import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { AppError } from '../errors.ts'
import { postgresColumns } from './columns.ts'
import type { Database, Queries } from './database.ts'
import { migrate } from './migrate.ts'
import { compileOnce } from './prepared.ts'
import type { Schema } from './schema.ts'

/** int8: counts and sizes stay far below 2^53, so they are numbers here as in SQLite. */
const int8 = 20

/**
 * SQLSTATEs after which the same transaction may well succeed: serialization failure, deadlock, and a foreign key whose row was removed
 * since it was looked up (an image that had become empty: the second time it is made again).
 */
const conflicts = new Set(['40001', '40P01', '23503'])

/** SQLSTATE of a full disk. */
const diskFull = '53100'

/** Opens a pool of connections. A connection that breaks is replaced; the query on it fails with `unavailable`. */
export async function openPostgres(url: string): Promise<Database> {
  const description = `PostgreSQL ${withoutPassword(url)}`
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    application_name: 'entrepot',
    types: {
      // biome-ignore lint/suspicious/noExplicitAny: pg's own signature
      getTypeParser: (oid: number, format?: any) => (oid === int8 ? Number : pg.types.getTypeParser(oid, format)),
    },
  })
  // An idle connection that the server ends (restart, failover) is not an error of ours: the pool opens another.
  pool.on('error', () => undefined)

  const queries = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
  try {
    await ping(pool, description)
    await migrate(queries, postgresColumns, description)
  } catch (error) {
    await queries.destroy()
    throw error
  }

  let prepared = 0
  return {
    kind: 'postgres',
    shared: true,
    generation: undefined,
    description,
    queries,
    transaction: (work) => retryConflicts(() => queries.transaction().execute(work), description),
    relaxed: (work) =>
      retryConflicts(
        () =>
          queries.transaction().execute(async (tx) => {
            await sql`set local synchronous_commit = off`.execute(tx)
            return work(tx)
          }),
        description,
      ),
    snapshot: (work) =>
      queries.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work),
    prepare(build) {
      const once = compileOnce(queries as Queries, build)
      const name = `entrepot_${++prepared}`
      return async (parameters) => {
        const { rows } = await pool.query({ name, text: once.compiled.sql, values: once.values(parameters) })
        return rows
      }
    },
    claim: async () => {},
    check: () => ping(pool, description),
    close: () => queries.destroy(),
  }
}

async function ping(pool: pg.Pool, description: string): Promise<void> {
  try {
    await pool.query('select 1')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('unavailable', `database: ${description} does not answer: ${reason}`, { cause })
  }
}

async function retryConflicts<T>(work: () => Promise<T>, description: string): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const state = (error as { code?: unknown }).code
      if (state === diskFull) {
        throw new AppError('storage-full', `database: ${description} has no room left on its disk: free some`, {
          cause: error,
        })
      }
      if (attempt === 5 || typeof state !== 'string' || !conflicts.has(state)) throw error
      await new Promise((resolve) => setTimeout(resolve, attempt * 10 * Math.random()))
    }
  }
}

function withoutPassword(url: string): string {
  const parsed = new URL(url)
  return `${parsed.username ? `${decodeURIComponent(parsed.username)}@` : ''}${parsed.host}${parsed.pathname}`
}
