import { type Kysely, sql } from 'kysely'
import type { Columns } from '../columns.ts'

/** Work in the background. Of what is not finished there is one of each kind for each thing. */
export async function up(db: Kysely<unknown>, { id, text, long }: Columns): Promise<void> {
  await id(db.schema.createTable('jobs'))
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('object', text, (c) => c.notNull())
    .addColumn('state', text, (c) => c.notNull())
    .addColumn('parameters', text, (c) => c.notNull())
    .addColumn('progress', text)
    .addColumn('log', text, (c) => c.notNull())
    .addColumn('error', text)
    .addColumn('actor_kind', text, (c) => c.notNull())
    .addColumn('actor', text, (c) => c.notNull())
    .addColumn('created_at', long, (c) => c.notNull())
    .addColumn('started_at', long)
    .addColumn('finished_at', long)
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('holder', text)
    .addColumn('lease_until', long, (c) => c.notNull())
    .addColumn('cancel_asked', 'integer', (c) => c.notNull())
    .execute()
  await sql`create unique index jobs_unfinished on jobs (kind, object) where finished_at is null`.execute(db)
  await db.schema.createIndex('jobs_by_end').on('jobs').column('finished_at').execute()
}
