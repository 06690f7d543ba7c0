import { containing } from './containing.ts'
import type { Queries } from './database.ts'

/** What a list of tags shows of each. */
export interface TagDetails {
  name: string
  digest: string
  mediaType: string
  /** Milliseconds since 1970: when it was set to this digest. */
  updatedAt: number
}

/** Tags of an image in byte order after `last`, of those that contain `search`. */
export function listTagDetails(
  queries: Queries,
  { repositoryId, image, search }: { repositoryId: number; image: string; search: string },
  { last, limit }: { last: string; limit: number },
): Promise<TagDetails[]> {
  return queries
    .selectFrom('images')
    .innerJoin('tags', 'tags.image_id', 'images.id')
    .innerJoin('manifests', (join) =>
      join.onRef('manifests.image_id', '=', 'tags.image_id').onRef('manifests.digest', '=', 'tags.digest'),
    )
    .select(['tags.name', 'tags.digest', 'manifests.media_type as mediaType', 'tags.updated_at as updatedAt'])
    .where('images.repository_id', '=', repositoryId)
    .where('images.name', '=', image)
    .where('tags.name', '>', last)
    .$if(search !== '', (query) => query.where(containing('tags.name', search)))
    .orderBy('tags.name')
    .limit(limit)
    .execute()
}

/** The tags of a manifest. */
export async function tagsOfManifest(queries: Queries, repositoryId: number, image: string, digest: string) {
  const rows = await queries
    .selectFrom('images')
    .innerJoin('tags', 'tags.image_id', 'images.id')
    .select('tags.name')
    .where('images.repository_id', '=', repositoryId)
    .where('images.name', '=', image)
    .where('tags.digest', '=', digest)
    .orderBy('tags.name')
    .limit(100)
    .execute()
  return rows.map(({ name }) => name)
}

export interface TagChange {
  id: number
  /** Null: it was deleted. */
  digest: string | null
  /** Milliseconds since 1970. */
  at: number
  /** Whether that manifest is still there, so that the tag can be set back to it. */
  isKept: boolean
}

/** What a tag pointed to, the newest first, older than the change `before`. */
export async function tagHistory(
  queries: Queries,
  { repositoryId, image, tag }: { repositoryId: number; image: string; tag: string },
  { before, limit }: { before: number | undefined; limit: number },
): Promise<TagChange[]> {
  const rows = await queries
    .selectFrom('images')
    .innerJoin('tag_history', 'tag_history.image_id', 'images.id')
    .leftJoin('manifests', (join) =>
      join
        .onRef('manifests.image_id', '=', 'tag_history.image_id')
        .onRef('manifests.digest', '=', 'tag_history.digest'),
    )
    .select(['tag_history.id', 'tag_history.digest', 'tag_history.at', 'manifests.id as manifest'])
    .where('images.repository_id', '=', repositoryId)
    .where('images.name', '=', image)
    .where('tag_history.name', '=', tag)
    .$if(before !== undefined, (query) => query.where('tag_history.id', '<', before!))
    .orderBy('tag_history.id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ manifest, ...row }) => ({ ...row, isKept: manifest !== null }))
}

export interface ImageSummary {
  name: string
  tags: number
  /** Of the newest tag; null without tags. Milliseconds since 1970. */
  updatedAt: number | null
}

/** Numbers for images that were found otherwise. */
export async function summarizeImages(
  queries: Queries,
  repositoryId: number,
  names: readonly string[],
): Promise<ImageSummary[]> {
  if (names.length === 0) return []
  const rows = await queries
    .selectFrom('images')
    .leftJoin('tags', 'tags.image_id', 'images.id')
    .select(({ fn }) => [
      'images.name',
      fn.count<number>('tags.name').as('tags'),
      fn.max<number | null>('tags.updated_at').as('updatedAt'),
    ])
    .where('images.repository_id', '=', repositoryId)
    .where('images.name', 'in', names)
    .groupBy('images.name')
    .execute()
  const known = new Map(rows.map((row) => [row.name, row]))
  return names.map((name) => {
    const { tags = 0, updatedAt = null } = known.get(name) ?? {}
    return { name, tags: Number(tags), updatedAt: updatedAt === null ? null : Number(updatedAt) }
  })
}

/** Bytes and number of the blobs in each store. */
export async function usageOfStores(queries: Queries): Promise<{ store: string; blobs: number; bytes: number }[]> {
  const rows = await queries
    .selectFrom('blobs')
    .select(({ fn }) => ['store', fn.countAll<number>().as('blobs'), fn.sum<number>('size').as('bytes')])
    .where('state', '=', 'live')
    .groupBy('store')
    .execute()
  return rows.map(({ store, blobs, bytes }) => ({ store, blobs: Number(blobs), bytes: Number(bytes) }))
}
