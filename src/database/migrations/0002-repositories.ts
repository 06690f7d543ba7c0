import type { Kysely } from 'kysely'
import type { Columns } from '../columns.ts'

/** Repositories live in the database whole, and can be switched off. */
export async function up(db: Kysely<unknown>, { text }: Columns): Promise<void> {
  await db.schema
    .alterTable('repositories')
    .addColumn('online', 'integer', (c) => c.notNull().defaultTo(1))
    .execute()
  await db.schema
    .alterTable('repositories')
    .addColumn('settings', text, (c) => c.notNull().defaultTo('{}'))
    .execute()
}
