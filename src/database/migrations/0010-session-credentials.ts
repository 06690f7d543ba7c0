import type { Kysely } from 'kysely'
import type { Columns } from '../columns.ts'

/** Sessions remember which credential began them, so that they end with it. Those from before have none and end: people log in once more. */
export async function up(db: Kysely<unknown>, { text }: Columns): Promise<void> {
  await db.schema
    .alterTable('sessions')
    .addColumn('credential', text, (c) => c.notNull().defaultTo(''))
    .execute()
}
