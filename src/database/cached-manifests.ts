import { type SqlBool, sql } from 'kysely'
import type { Database, Queries } from './database.ts'
import { deleteManifest } from './manifests.ts'

/** A manifest in the cache of a proxy repository. */
export interface CachedManifest {
  id: number
  imageId: number
  image: string
  digest: string
  usedAt: number
}

/** Where a walk from the least recently used on has come to. */
export type Walked = Pick<CachedManifest, 'id' | 'usedAt'>

/** Manifests of a repository that were last used before `before`, those unused for longest first, after `after`. One page, by key. */
export function leastRecentlyUsed(
  queries: Queries,
  repositoryId: number,
  before: number,
  after: Walked | undefined,
  limit: number,
): Promise<CachedManifest[]> {
  return queries
    .selectFrom('manifest_uses as u')
    .innerJoin('manifests as m', 'm.id', 'u.manifest_id')
    .innerJoin('images as i', 'i.id', 'm.image_id')
    .select(['m.id', 'm.image_id as imageId', 'i.name as image', 'm.digest', 'u.used_at as usedAt'])
    .where('u.repository_id', '=', repositoryId)
    .where('u.used_at', '<', before)
    .$if(after !== undefined, (query) =>
      query.where(sql<SqlBool>`(u.used_at, u.manifest_id) > (${after!.usedAt}, ${after!.id})`),
    )
    .orderBy('u.used_at')
    .orderBy('u.manifest_id')
    .limit(limit)
    .execute()
}

/** The manifests that the given ones list, as far as they are cached. */
export function cachedChildren(queries: Queries, parents: number[]): Promise<(CachedManifest & { parent: number })[]> {
  return queries
    .selectFrom('manifest_references as r')
    .innerJoin('manifests as m', (join) =>
      join.onRef('m.image_id', '=', 'r.image_id').onRef('m.digest', '=', 'r.digest'),
    )
    .innerJoin('images as i', 'i.id', 'm.image_id')
    .innerJoin('manifest_uses as u', 'u.manifest_id', 'm.id')
    .select(['m.id', 'm.image_id as imageId', 'i.name as image', 'm.digest', 'u.used_at as usedAt'])
    .select('r.manifest_id as parent')
    .where('r.manifest_id', 'in', parents)
    .execute()
}

/** Images that content is on its way to, on whatever instance. */
export async function imagesArriving(queries: Queries, repositoryId: number): Promise<Set<string>> {
  const rows = await queries
    .selectFrom('uploads')
    .select('image')
    .distinct()
    .where('repository_id', '=', repositoryId)
    .execute()
  return new Set(rows.map(({ image }) => image))
}

/** A page of a repository's images, by name. */
export function prepareImagePages(db: Database) {
  const page = db.prepare<{ repositoryId: number; last: string; limit: number }, { id: number; name: string }>(
    (queries, p) =>
      queries
        .selectFrom('images')
        .select(['id', 'name'])
        .where('repository_id', '=', p.repositoryId)
        .where('name', '>', p.last)
        .orderBy('name')
        .limit(p.limit),
  )
  return (repositoryId: number, last: string, limit: number) => page({ repositoryId, last, limit })
}

/**
 * Takes manifests of one image out of the cache, with their tags, unless they were used after `usedBy` by now. What they needed becomes a candidate for the
 * collector at `reviewAt`. Returns those that went. No history is written: the tags did not change, we forgot them.
 */
export async function evictManifests(
  queries: Queries,
  { imageId, store }: { imageId: number; store: string },
  manifests: Pick<CachedManifest, 'id' | 'digest'>[],
  usedBy: number,
  reviewAt: number,
): Promise<number[]> {
  // Whoever changes manifests and tags holds the image.
  const image = await queries.selectFrom('images').select('id').where('id', '=', imageId).forNoKeyUpdate().execute()
  if (image.length === 0) return []
  const ids = manifests.map(({ id }) => id).sort((a, b) => a - b)
  const unused = await queries
    .selectFrom('manifest_uses')
    .select('manifest_id')
    .where('manifest_id', 'in', ids)
    .where('used_at', '<=', usedBy)
    .orderBy('manifest_id')
    .forUpdate()
    .execute()
  const gone: number[] = []
  for (const { manifest_id } of unused) {
    const { digest } = manifests.find(({ id }) => id === manifest_id)!
    await queries.deleteFrom('tags').where('image_id', '=', imageId).where('digest', '=', digest).execute()
    if (await deleteManifest(queries, { imageId, digest, store }, reviewAt)) gone.push(manifest_id)
  }
  return gone
}
