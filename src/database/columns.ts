import { type CreateTableBuilder, type RawBuilder, sql } from 'kysely'

// biome-ignore lint/suspicious/noExplicitAny: a migration's tables are untyped on purpose
type TableBuilder = CreateTableBuilder<any, any>

/** How the two databases spell the same column: what a migration needs so that it is written once. */
export interface Columns {
  /** Adds `id`, a number the database counts up and never gives twice. */
  id(table: TableBuilder): TableBuilder
  /** Compared and sorted by byte value, as tag and catalog order demand. */
  text: RawBuilder<unknown>
  bytes: 'blob' | 'bytea'
  /** 64-bit integer. */
  long: 'bigint'
  /** For a table that is only ever looked up by its primary key. */
  keyed(table: TableBuilder): TableBuilder
}

export const sqliteColumns: Columns = {
  id: (table) => table.addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement()),
  text: sql`text`,
  bytes: 'blob',
  long: 'bigint',
  keyed: (table) => table.modifyEnd(sql`without rowid`),
}

export const postgresColumns: Columns = {
  id: (table) => table.addColumn('id', 'bigint', (c) => c.primaryKey().generatedByDefaultAsIdentity()),
  text: sql`text collate "C"`,
  bytes: 'bytea',
  long: 'bigint',
  keyed: (table) => table,
}
