import { type SqlBool, sql } from 'kysely'
import { containing } from './containing.ts'
import type { Database, Queries } from './database.ts'
import { statement } from './prepared.ts'

const find = statement<{ repositoryId: number; image: string }, { id: number }>(imageId)
const hold = statement<{ repositoryId: number; image: string }, { id: number }>((queries, p) =>
  imageId(queries, p).forNoKeyUpdate(),
)

/**
 * The id of an image, created when it is new. Held (see `holdImage`) or not: in the latter case the collector may remove the image, if it is
 * empty, before the transaction writes anything to it; PostgreSQL then reports a broken foreign key and the transaction runs again.
 */
export async function ensureImage(
  queries: Queries,
  repositoryId: number,
  name: string,
  now: number,
  { hold = false } = {},
): Promise<number> {
  for (;;) {
    const found = await (hold ? holdImage : findImage)(queries, repositoryId, name)
    if (found !== undefined) return found
    await queries
      .insertInto('images')
      .values({ repository_id: repositoryId, name, created_at: now })
      .onConflict((conflict) => conflict.columns(['repository_id', 'name']).doNothing())
      .execute()
  }
}

/**
 * Finds an image and makes other holders wait until this transaction ends. Whoever changes manifests or tags holds the image: otherwise, under
 * PostgreSQL's READ COMMITTED, a push and a deletion side by side could leave a tag without its manifest. Blobs come and go meanwhile.
 */
export async function holdImage(queries: Queries, repositoryId: number, name: string): Promise<number | undefined> {
  return (await hold(queries, { repositoryId, image: name })).rows[0]?.id
}

export async function findImage(queries: Queries, repositoryId: number, name: string): Promise<number | undefined> {
  return (await find(queries, { repositoryId, image: name })).rows[0]?.id
}

/** The id of an image within a larger query. */
export function imageId(queries: Queries, { repositoryId, image }: { repositoryId: number; image: string }) {
  return queries.selectFrom('images').select('id').where('repository_id', '=', repositoryId).where('name', '=', image)
}

/** Removes an image, with the history of its tags, if it has neither manifests nor blobs. */
export async function removeEmptyImage(queries: Queries, imageId: number): Promise<boolean> {
  const nothing = sql<SqlBool>`not exists (select 1 from manifests where image_id = images.id)
    and not exists (select 1 from blob_links where image_id = images.id)
    and not exists (select 1 from tags where image_id = images.id)`
  if (!(await queries.selectFrom('images').select('id').where('id', '=', imageId).where(nothing).executeTakeFirst())) {
    return false
  }
  // Waits for everyone who is just adding to the image, so that the next statement sees what they have added.
  await queries.selectFrom('images').select('id').where('id', '=', imageId).forUpdate().execute()
  const { numDeletedRows } = await queries
    .deleteFrom('images')
    .where('id', '=', imageId)
    .where(nothing)
    .executeTakeFirst()
  return numDeletedRows > 0n
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
  const rows = await queries
    .selectFrom('images')
    .select('name')
    .where('repository_id', '=', repositoryId)
    .where('name', '>', last)
    .where(containing('name', term.toLowerCase()))
    .where(({ exists, selectFrom }) =>
      exists(selectFrom('manifests').select('manifests.id').whereRef('manifests.image_id', '=', 'images.id')),
    )
    .orderBy('name')
    .limit(limit)
    .execute()
  return rows.map(({ name }) => name)
}
