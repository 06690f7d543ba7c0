import { sql } from 'kysely'
import { AppError } from '../errors.ts'
import type { Database, Queries } from './database.ts'
import { countRows } from './dump.ts'
import type { DumpHeader, DumpRow, DumpTable } from './dump-format.ts'
import { readDump } from './read-dump.ts'
import { countedTables, tableNames } from './tables.ts'

/** Parameters per statement: SQLite allows 32,766. */
const parametersAtOnce = 10_000
/** Characters per statement, so that large manifests do not add up. */
const charactersAtOnce = 8_000_000

/**
 * Fills the database from a dump: all of it or nothing, in one transaction. `open` gives the lines of the dump, each time from the start: it is checked
 * whole before anything changes. Throws `request-invalid` for a dump that is not whole or not of this version, and when the database holds something
 * already, unless `replace` says that all of that shall go.
 */
export async function loadDatabase(
  db: Database,
  open: () => AsyncIterable<string>,
  { replace = false, onHeader }: { replace?: boolean; onHeader?: (header: DumpHeader) => void } = {},
): Promise<void> {
  for await (const _ of readDump(open(), onHeader)) {
    // Reading is checking.
  }
  await db.transaction(async (tx) => {
    await makeEmpty(tx, db.description, replace)
    await insertAll(tx, open())
    if (db.kind === 'postgres') await resetCounters(tx)
  })
}

async function makeEmpty(tx: Queries, description: string, replace: boolean): Promise<void> {
  const counts = await countRows(tx)
  const filled = tableNames.filter((table) => counts[table] > 0)
  if (filled.length > 0 && !replace) {
    const found = filled.map((table) => `${counts[table]} ${table}`).join(', ')
    throw new AppError(
      'request-invalid',
      `${description} is not empty (${found}): name a new database, or replace all that is in it with --force`,
    )
  }
  for (const table of [...tableNames].reverse()) await sql`delete from ${sql.table(table)}`.execute(tx)
}

async function insertAll(tx: Queries, lines: AsyncIterable<string>): Promise<void> {
  let waiting: DumpRow[] = []
  let characters = 0
  let current: DumpTable | undefined

  async function flush(): Promise<void> {
    if (current && waiting.length > 0) await insertRows(tx, current, waiting)
    waiting = []
    characters = 0
  }

  for await (const { table, row } of readDump(lines)) {
    const isFull = waiting.length * table.columns.length > parametersAtOnce || characters > charactersAtOnce
    if (table !== current || isFull) await flush()
    current = table
    waiting.push(row)
    for (const value of row) if (typeof value === 'string') characters += value.length
  }
  await flush()
}

async function insertRows(tx: Queries, { table, columns, bytes }: DumpTable, rows: DumpRow[]): Promise<void> {
  const isBytes = columns.map((column) => bytes.includes(column))
  const bound = (value: DumpRow[number], index: number) =>
    isBytes[index] && typeof value === 'string' ? Buffer.from(value, 'base64') : value
  const tuples = rows.map((row) => sql`(${sql.join(row.map(bound))})`)
  const names = sql.join(columns.map((column) => sql.ref(column)))
  await sql`insert into ${sql.table(table)} (${names}) values ${sql.join(tuples)}`.execute(tx)
}

/** PostgreSQL does not notice ids that it has not given itself. */
async function resetCounters(tx: Queries): Promise<void> {
  for (const table of countedTables) {
    await sql`
      select setval(pg_get_serial_sequence(${table}, 'id'), coalesce(max(id), 0) + 1, false) from ${sql.table(table)}
    `.execute(tx)
  }
}
