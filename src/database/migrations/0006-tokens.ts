import type { Kysely } from 'kysely'
import type { Columns } from '../columns.ts'

/** Keys that tokens are signed with, access tokens, and robots. */
export async function up(db: Kysely<unknown>, { id, text, long }: Columns): Promise<void> {
  await db.schema
    .createTable('signing_keys')
    .addColumn('number', long, (c) => c.primaryKey())
    .addColumn('kid', text, (c) => c.notNull().unique())
    .addColumn('public_key', text, (c) => c.notNull())
    .addColumn('private_key', text, (c) => c.notNull())
    .addColumn('created_at', long, (c) => c.notNull())
    .execute()

  await id(db.schema.createTable('robots'))
    .addColumn('name', text, (c) => c.notNull().unique())
    .addColumn('description', text, (c) => c.notNull())
    .addColumn('disabled', long, (c) => c.notNull())
    .addColumn('created_at', long, (c) => c.notNull())
    .execute()

  await id(db.schema.createTable('access_tokens'))
    .addColumn('owner_kind', text, (c) => c.notNull())
    .addColumn('owner', text, (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('hash', text, (c) => c.notNull().unique())
    .addColumn('limits', text)
    .addColumn('expires_at', long)
    .addColumn('created_at', long, (c) => c.notNull())
    .addColumn('last_used_at', long)
    .addColumn('revoked_at', long)
    .execute()
  await db.schema.createIndex('access_tokens_by_owner').on('access_tokens').columns(['owner_kind', 'owner']).execute()
}
