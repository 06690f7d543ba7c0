import { type SqlBool, sql } from 'kysely'
import type { Queries } from './database.ts'
import { enqueue } from './gc-queue.ts'

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

/**
 * Takes manifests out of the cache, with their tags, except those that were used since they were read. What they needed becomes a candidate for the
 * collector at `reviewAt`. Returns those that went. No history is written: the tags did not change, we forgot them.
 */
export async function evictManifests(
  queries: Queries,
  store: string,
  manifests: Pick<CachedManifest, 'id' | 'imageId' | 'digest' | 'usedAt'>[],
  reviewAt: number,
): Promise<number[]> {
  // Whoever changes manifests and tags holds the image. In one order, so that two instances wait for each other rather than block each other.
  const imageIds = [...new Set(manifests.map(({ imageId }) => imageId))].sort((a, b) => a - b)
  await queries.selectFrom('images').select('id').where('id', 'in', imageIds).orderBy('id').forNoKeyUpdate().execute()
  const known = new Map(manifests.map((manifest) => [manifest.id, manifest]))
  const uses = await queries
    .selectFrom('manifest_uses')
    .select(['manifest_id as id', 'used_at as usedAt'])
    .where('manifest_id', 'in', [...known.keys()])
    .orderBy('manifest_id')
    .forUpdate()
    .execute()
  const gone = uses.filter(({ id, usedAt }) => usedAt <= known.get(id)!.usedAt).map(({ id }) => id)
  if (gone.length === 0) return gone
  await queries
    .deleteFrom('tags')
    .where(sql<SqlBool>`(image_id, digest) in (select image_id, digest from manifests where id in (${sql.join(gone)}))`)
    .execute()
  await enqueueReferences(queries, gone, reviewAt)
  await queries.deleteFrom('manifest_references').where('manifest_id', 'in', gone).execute()
  await queries.deleteFrom('manifests').where('id', 'in', gone).execute()
  const candidates = gone.flatMap((id) => {
    const { imageId, digest } = known.get(id)!
    return [
      { imageId: 0, store, digest },
      { imageId, store: '', digest },
    ]
  })
  const unique = new Map(candidates.map((candidate) => [`${candidate.imageId} ${candidate.digest}`, candidate]))
  await enqueue(queries, [...unique.values()], reviewAt)
  return gone
}

/** Asks for a review of all links that manifests reference. One statement: a hundred manifests have a thousand. */
async function enqueueReferences(queries: Queries, manifestIds: number[], dueAt: number): Promise<void> {
  await queries
    .insertInto('gc_queue')
    .columns(['image_id', 'store', 'digest', 'due_at'])
    .expression((eb) =>
      eb
        .selectFrom('manifest_references')
        .select(['image_id', sql<string>`''`.as('store'), 'digest', sql<number>`cast(${dueAt} as bigint)`.as('due_at')])
        .distinct()
        .where('manifest_id', 'in', manifestIds)
        // In the order of `enqueue`.
        .orderBy('image_id')
        .orderBy('digest'),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['image_id', 'store', 'digest'])
        .doUpdateSet((eb) => ({ due_at: dueAt, asked: eb('gc_queue.asked', '+', 1) })),
    )
    .execute()
}
