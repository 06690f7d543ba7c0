import { type Kysely, sql } from 'kysely'
import type { Columns } from '../columns.ts'

/** When the cached manifests of proxy repositories were last asked for. What is cached by now counts as used at this moment. */
export async function up(db: Kysely<unknown>, { long, keyed }: Columns): Promise<void> {
  await keyed(
    db.schema
      .createTable('manifest_uses')
      .addColumn('manifest_id', long, (c) => c.notNull().primaryKey().references('manifests.id').onDelete('cascade'))
      .addColumn('repository_id', long, (c) => c.notNull())
      .addColumn('used_at', long, (c) => c.notNull()),
  ).execute()
  await db.schema
    .createIndex('uses_by_age')
    .on('manifest_uses')
    .columns(['repository_id', 'used_at', 'manifest_id'])
    .execute()
  await sql`insert into manifest_uses (manifest_id, repository_id, used_at)
    select m.id, i.repository_id, cast(${Date.now()} as bigint)
    from manifests m join images i on i.id = m.image_id join repositories r on r.id = i.repository_id
    where r.type = 'proxy'`.execute(db)
}
