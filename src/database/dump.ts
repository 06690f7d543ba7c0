import { sql } from 'kysely'
import type { Database, Queries } from './database.ts'
import { createLineSum, type DumpHeader, type DumpTable, type DumpTrailer, dumpHeader } from './dump-format.ts'
import { type TableName, tableKeys, tableNames } from './tables.ts'

/** Rows read at once. Those of manifests may have 4 MiB each. */
const page = 1000
const pageOfManifests = 25

/**
 * Hands the lines of a dump of the whole database to `write`, one after the other, each without its line end. All of them are of one moment,
 * and nobody waits meanwhile. Returns the header. Memory is one page of rows.
 */
export function dumpDatabase(
  db: Database,
  about: { version: string; now: number },
  write: (line: string) => Promise<void>,
): Promise<DumpHeader> {
  return db.snapshot(async (queries) => {
    const sum = createLineSum()
    const put = async (value: unknown) => {
      const line = JSON.stringify(value)
      sum.add(line)
      await write(line)
    }
    const counts = await countRows(queries)
    const header = dumpHeader(about, await storesInUse(queries), counts)
    await put(header)
    for (const table of tableNames) await dumpTable(queries, table, put)
    await write(JSON.stringify({ end: true, counts, sha256: sum.digest() } satisfies DumpTrailer))
    return header
  })
}

async function dumpTable(queries: Queries, table: TableName, put: (value: unknown) => Promise<void>): Promise<void> {
  let columns: string[] | undefined
  for await (const row of rowsOf(queries, table)) {
    if (!columns) {
      columns = Object.keys(row)
      const bytes = columns.filter((column) => row[column] instanceof Uint8Array)
      await put({ table, columns, bytes } satisfies DumpTable)
    }
    await put(columns.map((column) => portable(row[column])))
  }
}

type Row = Record<string, unknown>

/** Page after page by key, so that no table is ever held whole. */
async function* rowsOf(queries: Queries, table: TableName): AsyncGenerator<Row> {
  const keys = tableKeys[table]
  const columns = sql.join(keys.map((key) => sql.ref(key)))
  const limit = table === 'manifests' ? pageOfManifests : page
  let last: Row | undefined
  while (true) {
    const after = last && sql`where (${columns}) > (${sql.join(keys.map((key) => last![key]))})`
    const { rows } = await sql<Row>`
      select * from ${sql.table(table)} ${after ?? sql``} order by ${columns} limit ${sql.lit(limit)}`.execute(queries)
    yield* rows
    if (rows.length < limit) return
    last = rows.at(-1)
  }
}

function portable(value: unknown): unknown {
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')
    : value
}

/** How many rows each table has. */
export async function countRows(queries: Queries): Promise<Record<TableName, number>> {
  const counts: [TableName, number][] = []
  for (const table of tableNames) {
    const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(queries)
    counts.push([table, Number(rows[0]?.count)])
  }
  return Object.fromEntries(counts) as Record<TableName, number>
}

async function storesInUse(queries: Queries): Promise<string[]> {
  const repositories = await queries.selectFrom('repositories').select('blob_store as store').distinct().execute()
  const blobs = await queries.selectFrom('blobs').select('store').distinct().execute()
  return [...new Set([...repositories, ...blobs].map(({ store }) => store))].sort()
}
