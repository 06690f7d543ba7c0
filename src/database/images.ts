import { type SqlBool, sql } from 'kysely'
import type { Database, Queries } from './database.ts'

/** The id of an image, created when it is new. */
export async function ensureImage(queries: Queries, repositoryId: number, name: string, now: number): Promise<number> {
  const found = await findImage(queries, repositoryId, name)
  if (found !== undefined) return found
  await queries
    .insertInto('images')
    .values({ repository_id: repositoryId, name, created_at: now })
    .onConflict((conflict) => conflict.columns(['repository_id', 'name']).doNothing())
    .execute()
  return (await findImage(queries, repositoryId, name))!
}

export async function findImage(queries: Queries, repositoryId: number, name: string): Promise<number | undefined> {
  const row = await queries
    .selectFrom('images')
    .select('id')
    .where('repository_id', '=', repositoryId)
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.id
}

/** The id of an image within a larger query. */
export function imageId(queries: Queries, { repositoryId, image }: { repositoryId: number; image: string }) {
  return queries.selectFrom('images').select('id').where('repository_id', '=', repositoryId).where('name', '=', image)
}

/** Names of the images that have a manifest, in byte order, after `last`. One page, by key: as quick at the end as at the start. */
export function prepareListImages(db: Database) {
  const page = db.prepare<{ repositoryId: number; last: string; limit: number }, { name: string }>((queries, p) =>
    queries
      .selectFrom('images')
      .select('name')
      .where('repository_id', '=', p.repositoryId)
      .where('name', '>', p.last)
      .where(({ exists, selectFrom }) =>
        exists(selectFrom('manifests').select('manifests.id').whereRef('manifests.image_id', '=', 'images.id')),
      )
      .orderBy('name')
      .limit(p.limit),
  )
  return async (repositoryId: number, last: string, limit: number): Promise<string[]> =>
    (await page({ repositoryId, last, limit })).map(({ name }) => name)
}

/** Names that contain `term`, in byte order after `last`, for search. Reads all names of the repository until enough are found. */
export async function searchImages(
  queries: Queries,
  repositoryId: number,
  term: string,
  { last, limit }: { last: string; limit: number },
): Promise<string[]> {
  const pattern = `%${term.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`
  const rows = await queries
    .selectFrom('images')
    .select('name')
    .where('repository_id', '=', repositoryId)
    .where('name', '>', last)
    .where(sql<SqlBool>`name like ${pattern} escape '\\'`)
    .where(({ exists, selectFrom }) =>
      exists(selectFrom('manifests').select('manifests.id').whereRef('manifests.image_id', '=', 'images.id')),
    )
    .orderBy('name')
    .limit(limit)
    .execute()
  return rows.map(({ name }) => name)
}
