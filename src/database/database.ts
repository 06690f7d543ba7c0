import type { Compilable, Kysely } from 'kysely'
import { AppError } from '../errors.ts'
import type { Schema } from './schema.ts'

/** What queries are written against: the database, or a transaction of it. */
export type Queries = Kysely<Schema>

/** A query compiled once, for the hot path. Runs outside of transactions and sees what is committed. */
export type Prepared<Parameters, Row> = (parameters: Parameters) => Promise<Row[]>

/** The metadata of an installation, in SQLite or PostgreSQL, behind one set of queries. */
export interface Database {
  readonly kind: 'sqlite' | 'postgres'
  /** Whether other instances may work with it at the same time: PostgreSQL. A SQLite file belongs to one serving process. */
  readonly shared: boolean
  /**
   * Changes whenever anything was committed; what was read while it stays the same is still true. Undefined where other instances commit
   * without our knowing.
   */
  readonly generation: number | undefined
  /** Which database, for logs: no password. */
  readonly description: string
  /** For reads and for single statements; each statement is durable once resolved. */
  readonly queries: Queries
  /** All or nothing, and durable once resolved. `work` may run again when PostgreSQL reports a conflict: no side effects in it. */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T>
  /** As `transaction`, visible to everyone at once, but a power cut may forget it. For leases and sessions, never for what a client was promised. */
  relaxed<T>(work: (queries: Queries) => Promise<T>): Promise<T>
  /** Reads on a connection of its own: all of them see the one moment of the first, whatever is written meanwhile. Holds nobody up. */
  snapshot<T>(work: (queries: Queries) => Promise<T>): Promise<T>
  /** `build` is called once, with stand-ins for the parameters. */
  prepare<Parameters extends object, Row>(
    build: (queries: Queries, parameters: Parameters) => Compilable<Row>,
  ): Prepared<Parameters, Row>
  /** Says that this process serves from the database until it closes it. Throws `unavailable` where only one may, and another one does. */
  claim(): Promise<void>
  /** Resolves when the database answers; throws `unavailable` otherwise. */
  check(): Promise<void>
  close(): Promise<void>
}

/**
 * Opens `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`, brings its tables up to date and reads from each of them.
 * Throws `unavailable` with what is wrong: unreachable, not ours, written by a newer version.
 */
export async function openDatabase(url: string): Promise<Database> {
  if (url.startsWith('sqlite:')) return (await import('./sqlite.ts')).openSqlite(url.slice('sqlite:'.length))
  if (/^postgres(ql)?:\/\//.test(url)) return (await import('./postgres.ts')).openPostgres(url)
  throw new AppError('unavailable', `database: "${url}" is neither sqlite:PATH nor postgres://USER:PASSWORD@HOST/NAME`)
}
