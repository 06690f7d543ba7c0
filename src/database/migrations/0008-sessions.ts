import type { Kysely } from 'kysely'
import type { Columns } from '../columns.ts'

/** People in the browser, and who a company's OpenID provider said they are. */
export async function up(db: Kysely<unknown>, { text, long, keyed }: Columns): Promise<void> {
  await keyed(
    db.schema
      .createTable('sessions')
      .addColumn('id', text, (c) => c.notNull().primaryKey())
      .addColumn('source', text, (c) => c.notNull())
      .addColumn('name', text, (c) => c.notNull())
      .addColumn('admin', 'integer', (c) => c.notNull())
      .addColumn('groups', text, (c) => c.notNull())
      .addColumn('address', text, (c) => c.notNull())
      .addColumn('user_agent', text, (c) => c.notNull())
      .addColumn('created_at', long, (c) => c.notNull())
      .addColumn('used_at', long, (c) => c.notNull()),
  ).execute()
  await db.schema.createIndex('sessions_by_name').on('sessions').column('name').execute()
  await db.schema.createIndex('sessions_by_use').on('sessions').column('used_at').execute()

  await keyed(
    db.schema
      .createTable('oidc_users')
      .addColumn('issuer', text, (c) => c.notNull())
      .addColumn('subject', text, (c) => c.notNull())
      .addColumn('name', text, (c) => c.notNull().unique())
      .addColumn('admin', 'integer', (c) => c.notNull())
      .addColumn('groups', text, (c) => c.notNull())
      .addColumn('mail', text)
      .addColumn('seen_at', long, (c) => c.notNull())
      .addPrimaryKeyConstraint('oidc_users_key', ['issuer', 'subject']),
  ).execute()
}
