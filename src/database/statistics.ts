import { sql } from 'kysely'
import type { Database } from './database.ts'

/** What queries over a whole cache look at. */
const tables = ['images', 'manifests', 'manifest_references', 'manifest_uses', 'blobs', 'blob_links']

/**
 * PostgreSQL guesses at tables that it has never looked at, which can make a query take a thousand times as long. Its own look comes within minutes of the
 * first rows, or never where autovacuum is off. SQLite's plans are the same whatever is in the tables.
 */
export async function takeStatistics({ kind, queries }: Database): Promise<void> {
  if (kind !== 'postgres') return
  const { rows } = await sql<{ name: string }>`select relname as name from pg_class
    where relnamespace = current_schema()::regnamespace and relkind = 'r' and reltuples < 0
      and relname in (${sql.join(tables)})`.execute(queries)
  for (const { name } of rows) await sql`analyze ${sql.table(name)}`.execute(queries)
}
