import { type Kysely, sql } from 'kysely'
import type { Columns } from '../columns.ts'

/** Who may do what. Until then every user might do everything to every repository: those who are there keep that. */
export async function up(db: Kysely<unknown>, columns: Columns): Promise<void> {
  const { id, text, long } = columns

  await id(db.schema.createTable('grants'))
    .addColumn('subject_kind', text, (c) => c.notNull())
    .addColumn('subject', text, (c) => c.notNull())
    .addColumn('role', text, (c) => c.notNull())
    .addColumn('repository', text, (c) => c.notNull())
    .addColumn('images', text, (c) => c.notNull())
    .addColumn('managed_by', text, (c) => c.notNull())
    .addColumn('created_at', long, (c) => c.notNull())
    .addUniqueConstraint('grants_key', ['subject_kind', 'subject', 'repository', 'role', 'images', 'managed_by'])
    .execute()
  await db.schema
    .alterTable('users')
    .addColumn('managed_by', text, (c) => c.notNull().defaultTo('database'))
    .execute()

  await sql`
    insert into grants (subject_kind, subject, role, repository, images, managed_by, created_at)
    select 'user', name, 'maintainer', '*', '[]', 'database', created_at from users where admin = 0
  `.execute(db)
}
