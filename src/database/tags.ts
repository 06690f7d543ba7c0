import type { Database, Queries } from './database.ts'
import { imageId as imageIdOf } from './images.ts'

/** Points a tag to a manifest and writes its history. `checkedAt`: when the upstream said so, in a proxy. */
export async function putTag(
  queries: Queries,
  imageId: number,
  name: string,
  digest: string,
  now: number,
  checkedAt: number | null = null,
) {
  const before = await queries
    .selectFrom('tags')
    .select('digest')
    .where('image_id', '=', imageId)
    .where('name', '=', name)
    .executeTakeFirst()
  await queries
    .insertInto('tags')
    .values({ image_id: imageId, name, digest, updated_at: now, checked_at: checkedAt })
    .onConflict((conflict) =>
      conflict.columns(['image_id', 'name']).doUpdateSet({ digest, updated_at: now, checked_at: checkedAt }),
    )
    .execute()
  if (before?.digest === digest) return
  await queries.insertInto('tag_history').values({ image_id: imageId, name, digest, at: now }).execute()
}

/** The digest a tag points to, of several tags at once. */
export async function findTags(queries: Queries, imageId: number, names: string[]): Promise<Map<string, string>> {
  if (names.length === 0) return new Map()
  const rows = await queries
    .selectFrom('tags')
    .select(['name', 'digest'])
    .where('image_id', '=', imageId)
    .where('name', 'in', names)
    .execute()
  return new Map(rows.map(({ name, digest }) => [name, digest]))
}

/** False: there was no such tag. */
export async function deleteTag(queries: Queries, imageId: number, name: string, now: number): Promise<boolean> {
  const { numDeletedRows } = await queries
    .deleteFrom('tags')
    .where('image_id', '=', imageId)
    .where('name', '=', name)
    .executeTakeFirst()
  if (numDeletedRows === 0n) return false
  await queries.insertInto('tag_history').values({ image_id: imageId, name, digest: null, at: now }).execute()
  return true
}

/** Deletes every tag that points to a manifest. */
export async function deleteTagsOf(queries: Queries, imageId: number, digest: string, now: number): Promise<string[]> {
  const gone = await queries
    .deleteFrom('tags')
    .where('image_id', '=', imageId)
    .where('digest', '=', digest)
    .returning('name')
    .execute()
  for (let start = 0; start < gone.length; start += 1000) {
    await queries
      .insertInto('tag_history')
      .values(gone.slice(start, start + 1000).map(({ name }) => ({ image_id: imageId, name, digest: null, at: now })))
      .execute()
  }
  return gone.map(({ name }) => name)
}

/** Says that the upstream still has the tag point to this digest. False: it points elsewhere by now, or is gone. */
export async function confirmTag(queries: Queries, imageId: number, name: string, digest: string, now: number) {
  const { numUpdatedRows } = await queries
    .updateTable('tags')
    .set({ checked_at: now })
    .where('image_id', '=', imageId)
    .where('name', '=', name)
    .where('digest', '=', digest)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export interface CheckedTag {
  digest: string
  /** Milliseconds since 1970; null: never. */
  checkedAt: number | null
}

/** Where a tag points and when that was last asked of the upstream. Hot: one prepared query. */
export function prepareFindCheckedTag(db: Database) {
  const find = db.prepare<{ repositoryId: number; image: string; tag: string }, CheckedTag>((queries, p) =>
    queries
      .selectFrom('tags')
      .select(['digest', 'checked_at as checkedAt'])
      .where('image_id', '=', imageIdOf(queries, p))
      .where('name', '=', p.tag),
  )
  return async (repositoryId: number, image: string, tag: string): Promise<CheckedTag | undefined> =>
    (await find({ repositoryId, image, tag }))[0]
}

/** Tag names in byte order after `last`; undefined when there is no such image. One page, by key. */
export function prepareListTags(db: Database) {
  const image = db.prepare<{ repositoryId: number; image: string }, { id: number }>((queries, p) =>
    queries
      .selectFrom('images')
      .select('id')
      .where('repository_id', '=', p.repositoryId)
      .where('name', '=', p.image)
      .where(({ exists, selectFrom }) =>
        exists(selectFrom('manifests').select('manifests.id').whereRef('manifests.image_id', '=', 'images.id')),
      ),
  )
  const page = db.prepare<{ imageId: number; last: string; limit: number }, { name: string }>((queries, p) =>
    queries
      .selectFrom('tags')
      .select('name')
      .where('image_id', '=', p.imageId)
      .where('name', '>', p.last)
      .orderBy('name')
      .limit(p.limit),
  )
  return async (repositoryId: number, name: string, last: string, limit: number): Promise<string[] | undefined> => {
    const [found] = await image({ repositoryId, image: name })
    if (!found) return undefined
    return (await page({ imageId: found.id, last, limit })).map((row) => row.name)
  }
}
