import type { Kysely } from 'kysely'
import type { Columns } from '../columns.ts'

/** What was done, by whom. */
export async function up(db: Kysely<unknown>, { id, text, long }: Columns): Promise<void> {
  await id(db.schema.createTable('audit_events'))
    .addColumn('at', long, (c) => c.notNull())
    .addColumn('action', text, (c) => c.notNull())
    .addColumn('result', text, (c) => c.notNull())
    .addColumn('actor_kind', text, (c) => c.notNull())
    .addColumn('actor', text, (c) => c.notNull())
    .addColumn('address', text, (c) => c.notNull())
    .addColumn('repository', text, (c) => c.notNull())
    .addColumn('object', text, (c) => c.notNull())
    .addColumn('request_id', text, (c) => c.notNull())
    .addColumn('times', 'integer', (c) => c.notNull())
    .addColumn('detail', text)
    .execute()
  await db.schema.createIndex('audit_by_time').on('audit_events').column('at').execute()
  await db.schema.createIndex('audit_by_actor').on('audit_events').columns(['actor', 'id']).execute()
  await db.schema.createIndex('audit_by_repository').on('audit_events').columns(['repository', 'id']).execute()
}
