import { Database as BunSqlite, SQLiteError, type SQLQueryBindings } from 'bun:sqlite'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  SqliteQueryCompiler,
} from 'kysely'
import { AppError } from '../errors.ts'
import { sqliteColumns } from './columns.ts'
import type { Database, Queries } from './database.ts'
import { migrate } from './migrate.ts'
import { compileOnce } from './prepared.ts'
import type { Schema } from './schema.ts'
import { createBatches } from './sqlite-batches.ts'

/** Marks the file as ours: "Entr". */
const applicationId = 0x456e7472

/** How long a writer waits for another process. */
const busySeconds = 20

/** After how many milliseconds at most a commit of another process (a command beside the server) is noticed in `generation`. */
const strangersMs = 100

/**
 * Opens or creates the database file. One connection writes (Kysely queues for it), a second one answers prepared queries: with WAL a
 * reader never waits for a writer and sees every commit.
 */
export async function openSqlite(path: string): Promise<Database> {
  const description = `SQLite file ${path}`
  const writer = openFile(path, description)
  writer.run('pragma synchronous = full')
  writer.run('pragma busy_timeout = 0')
  const reader = openFile(path, description)
  reader.run('pragma query_only = on')

  const commits = watchCommits(reader)
  const queries = new Kysely<Schema>({
    dialect: new ImmediateSqliteDialect(writer, adapt(writer, commits.noteOwn), description),
  })
  let claimed: BunSqlite | undefined
  const close = async () => {
    await queries.destroy()
    reader.close()
    claimed?.close()
  }
  try {
    await migrate(queries, sqliteColumns, description)
  } catch (error) {
    await close()
    throw error
  }

  const batches = createBatches(writer, queries, {
    whenFree: (run) => whenFree(run, description),
    onCommit: commits.noteOwn,
    meaningOf: (error) => withMeaning(error, description),
  })
  return {
    kind: 'sqlite',
    shared: false,
    get generation() {
      return commits.generation()
    },
    description,
    queries,
    transaction: (work) => batches.run(true, work),
    relaxed: (work) => batches.run(false, work),
    async snapshot(work) {
      const file = openFile(path, description)
      file.run('pragma query_only = on')
      const own = new Kysely<Schema>({ dialect: new SqliteDialect({ database: adapt(file, () => {}) }) })
      try {
        return await own.transaction().execute(work)
      } finally {
        await own.destroy()
      }
    },
    prepare(build) {
      const once = compileOnce(queries as Queries, build)
      const statement = reader.prepare(once.compiled.sql)
      // biome-ignore lint/suspicious/noExplicitAny: rows are typed by the query that was compiled
      return async (parameters) => statement.all(...(once.values(parameters) as SQLQueryBindings[])) as any
    },
    async claim() {
      claimed ??= claimFile(path, description)
    },
    async check() {
      try {
        reader.query('select 1').get()
      } catch (cause) {
        throw new AppError('unavailable', `database: ${description} cannot be read`, { cause })
      }
    },
    async close() {
      await batches.close()
      await close()
    },
  }
}

function openFile(path: string, description: string): BunSqlite {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const file = new BunSqlite(path, { create: true, readwrite: true, strict: true })
    file.run(`pragma busy_timeout = ${busySeconds * 1000}`)
    const { application_id: found } = file.query('pragma application_id').get() as { application_id: number }
    const { count } = file.query('select count(*) as count from sqlite_schema').get() as { count: number }
    if (found !== applicationId && count > 0) throw new Error('it is a database of another program')
    if (found !== applicationId) file.run(`pragma application_id = ${applicationId}`)
    file.run('pragma journal_mode = wal')
    file.run('pragma foreign_keys = on')
    file.run('pragma cache_size = -16000')
    return file
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('unavailable', `database: ${description} cannot be opened: ${reason}`, { cause })
  }
}

/**
 * Takes a lock beside the database that the kernel gives back when this process ends, however it ends. What the server keeps in memory about
 * uploads and manifests is right only while it is the only one; commands beside it change nothing of that.
 */
function claimFile(path: string, description: string): BunSqlite {
  const lock = new BunSqlite(`${path}.serving`, { create: true, readwrite: true })
  try {
    lock.run('begin exclusive')
    return lock
  } catch (cause) {
    lock.close()
    throw new AppError(
      'unavailable',
      `database: another process serves from ${description}: stop it, or give this one a dataDir of its own (several instances share PostgreSQL)`,
      { cause },
    )
  }
}

/**
 * Tells when anything was committed by anyone. SQLite counts commits of other connections, but asking it takes as long as half a query:
 * so it is asked after each commit of our own, and for those of other processes only every now and then.
 */
function watchCommits(reader: BunSqlite) {
  const dataVersion = reader.prepare('pragma data_version')
  let askedAt = 0
  let isStale = true
  let version = 0
  return {
    noteOwn(): void {
      isStale = true
    },
    generation(): number {
      if (isStale || performance.now() - askedAt > strangersMs) {
        version = (dataVersion.get() as { data_version: number }).data_version
        askedAt = performance.now()
        isStale = false
      }
      return version
    },
  }
}

/** The shape Kysely's dialect asks for, over Bun's SQLite. Statements are cached by Bun per SQL text. */
function adapt(file: BunSqlite, afterWrite: () => void): SqliteDatabase {
  return {
    close: () => file.close(),
    prepare(sql) {
      const statement = file.query(sql)
      return {
        reader: statement.columnNames.length > 0,
        all: (parameters) => {
          const rows = statement.all(...(parameters as SQLQueryBindings[]))
          afterWrite()
          return rows
        },
        run: (parameters) => {
          const changes = statement.run(...(parameters as SQLQueryBindings[]))
          afterWrite()
          return changes
        },
        iterate: (parameters) => statement.iterate(...(parameters as SQLQueryBindings[])),
      }
    },
  }
}

class ImmediateSqliteDialect extends SqliteDialect {
  readonly #file: BunSqlite
  readonly #database: SqliteDatabase
  readonly #description: string

  constructor(file: BunSqlite, database: SqliteDatabase, description: string) {
    super({ database })
    this.#file = file
    this.#database = database
    this.#description = description
  }

  override createDriver() {
    return new ImmediateSqliteDriver(this.#file, this.#database, this.#description)
  }

  override createQueryCompiler() {
    return new LocklessQueryCompiler()
  }

  override createAdapter() {
    return new TransactionalSqliteAdapter()
  }
}

class ImmediateSqliteDriver extends SqliteDriver {
  readonly #file: BunSqlite
  readonly #description: string

  constructor(file: BunSqlite, database: SqliteDatabase, description: string) {
    super({ database })
    this.#file = file
    this.#description = description
  }

  /** A transaction that starts by reading and then wants to write fails at once when another process writes; an immediate one waits. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  /** When there is no room or the disk fails, SQLite may have rolled back by itself: a second time is an error that would hide the first. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#file.inTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'))
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection()
    return {
      executeQuery: (query) => whenFree(() => connection.executeQuery(query), this.#description),
      streamQuery: (query, chunkSize) => connection.streamQuery(query, chunkSize),
    }
  }
}

/**
 * Waits for another process that is writing. SQLite's own wait would block every request of ours meanwhile; within an immediate
 * transaction no statement is ever refused, so only its start and single statements come here twice.
 */
async function whenFree<T>(run: () => T | Promise<T>, description: string): Promise<T> {
  const giveUp = performance.now() + busySeconds * 1000
  for (let wait = 1; ; wait = Math.min(wait * 2, 20)) {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof SQLiteError) || error.code !== 'SQLITE_BUSY' || performance.now() > giveUp) {
        throw withMeaning(error, description)
      }
      await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random())))
    }
  }
}

/** No room left is something a client should be told; the shared memory beside the file needs room as well. */
function withMeaning(error: unknown, description: string): unknown {
  if (!(error instanceof SQLiteError) || !['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE'].includes(error.code ?? ''))
    return error
  return new AppError('storage-full', `database: ${description} has no room left on its disk: free some`, {
    cause: error,
  })
}

/** SQLite has no row locks and needs none: an immediate transaction is the only one that writes. `for update` is left out. */
class LocklessQueryCompiler extends SqliteQueryCompiler {
  protected override visitSelectModifier(): void {}
}

class TransactionalSqliteAdapter extends SqliteAdapter {
  /** SQLite can roll a change of tables back; Kysely's adapter says no and would leave half a failed migration behind. */
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}
