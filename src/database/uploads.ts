import type { Insertable, Selectable } from 'kysely'
import type { Queries } from './database.ts'
import type { UploadTable } from './schema.ts'

export type UploadRow = Selectable<UploadTable>

export async function insertUpload(queries: Queries, row: Insertable<UploadTable>): Promise<void> {
  await queries.insertInto('uploads').values(row).execute()
}

export function findUpload(queries: Queries, id: string): Promise<UploadRow | undefined> {
  return queries.selectFrom('uploads').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Takes the upload for one request (`holder` names it), or keeps it. False: another request holds it, or it is gone. */
export async function holdUpload(queries: Queries, id: string, holder: string, now: number, until: number) {
  const { numUpdatedRows } = await queries
    .updateTable('uploads')
    .set({ holder, held_until: until, updated_at: now })
    .where('id', '=', id)
    .where(({ eb, or }) => or([eb('holder', 'is', null), eb('holder', '=', holder), eb('held_until', '<', now)]))
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function releaseUpload(queries: Queries, id: string, holder: string, now: number): Promise<void> {
  await queries
    .updateTable('uploads')
    .set({ holder: null, held_until: 0, updated_at: now })
    .where('id', '=', id)
    .where('holder', '=', holder)
    .execute()
}

/** Says that the upload goes on: the purge looks at the time. */
export async function touchUpload(queries: Queries, id: string, now: number): Promise<void> {
  await queries.updateTable('uploads').set({ updated_at: now }).where('id', '=', id).execute()
}

export async function deleteUpload(queries: Queries, id: string): Promise<void> {
  await queries.deleteFrom('uploads').where('id', '=', id).execute()
}

/** Uploads nobody has written to since `before` and nobody holds. */
export function abandonedUploads(queries: Queries, before: number, now: number): Promise<UploadRow[]> {
  return queries
    .selectFrom('uploads')
    .selectAll()
    .where('updated_at', '<', before)
    .where('held_until', '<', now)
    .orderBy('updated_at')
    .limit(1000)
    .execute()
}
