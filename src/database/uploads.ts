import type { Selectable } from 'kysely'
import type { Queries } from './database.ts'
import { statement } from './prepared.ts'
import type { UploadTable } from './schema.ts'

export type UploadRow = Selectable<UploadTable>

const insert = statement<UploadRow>((queries, p) =>
  queries.insertInto('uploads').values({
    id: p.id,
    repository_id: p.repository_id,
    image: p.image,
    store: p.store,
    started_at: p.started_at,
    updated_at: p.updated_at,
    holder: p.holder,
    held_until: p.held_until,
  }),
)

export async function insertUpload(queries: Queries, row: UploadRow): Promise<void> {
  await insert(queries, row)
}

const find = statement<{ id: string }, UploadRow>((queries, p) =>
  queries.selectFrom('uploads').selectAll().where('id', '=', p.id),
)

export async function findUpload(queries: Queries, id: string): Promise<UploadRow | undefined> {
  return (await find(queries, { id })).rows[0]
}

/** Takes the upload for one request, which `holder` names, if nobody else has since `before` was read. False: somebody has, or it is gone. */
export async function holdUpload(queries: Queries, before: UploadRow, holder: string, now: number, until: number) {
  const { numUpdatedRows } = await queries
    .updateTable('uploads')
    .set({ holder, held_until: until, updated_at: now })
    .where('id', '=', before.id)
    .where('holder', 'is not distinct from', before.holder)
    .where('held_until', '=', before.held_until)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Keeps the hold, or with `until` 0 gives it back; `holder` stays as the last one who wrote. False: it was lost to another request, or the upload is gone. */
export async function keepUpload(queries: Queries, id: string, holder: string, now: number, until: number) {
  const { numUpdatedRows } = await queries
    .updateTable('uploads')
    .set({ held_until: until, updated_at: now })
    .where('id', '=', id)
    .where('holder', '=', holder)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

const close = statement<{ id: string; holder: string | null }>((queries, p) =>
  queries.deleteFrom('uploads').where('id', '=', p.id).where('holder', 'is not distinct from', p.holder),
)

/** Deletes the upload that `holder` has finished. False: it was lost to another request, or is gone. */
export async function closeUpload(queries: Queries, id: string, holder: string | null): Promise<boolean> {
  return (await close(queries, { id, holder })).count > 0
}

/** Says that the upload goes on: the purge looks at the time. */
export async function touchUpload(queries: Queries, id: string, now: number): Promise<void> {
  await queries.updateTable('uploads').set({ updated_at: now }).where('id', '=', id).execute()
}

export async function deleteUpload(queries: Queries, id: string): Promise<void> {
  await queries.deleteFrom('uploads').where('id', '=', id).execute()
}

/** Deletes the upload unless somebody has taken it up again since `row` was read. */
export async function deleteAbandoned(queries: Queries, row: UploadRow): Promise<boolean> {
  const { numDeletedRows } = await queries
    .deleteFrom('uploads')
    .where('id', '=', row.id)
    .where('updated_at', '=', row.updated_at)
    .where('held_until', '=', row.held_until)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** Uploads nobody has written to since `before` and nobody holds; of all repositories, or of some. */
export function abandonedUploads(
  queries: Queries,
  before: number,
  now: number,
  repositories?: number[],
): Promise<UploadRow[]> {
  return queries
    .selectFrom('uploads')
    .selectAll()
    .where('updated_at', '<', before)
    .where('held_until', '<', now)
    .$if(repositories !== undefined, (query) => query.where('repository_id', 'in', repositories!))
    .orderBy('updated_at')
    .limit(1000)
    .execute()
}
