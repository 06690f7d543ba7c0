import { type Compilable, type RawBuilder, sql } from 'kysely'
import type { LinkedBlob } from './blobs.ts'
import type { Database, Prepared, Queries } from './database.ts'
import type { StoredManifest } from './manifests.ts'

/** A blob that may be pulled, and where it was found. */
export interface FoundBlob extends LinkedBlob {
  repositoryId: number
}

/** A manifest, and the repository it was found in. */
export type FoundManifest = StoredManifest & { repositoryId: number }

/** Ids of repositories as parameters of a query: `repository0`, `repository1` ... */
type Ids = Record<`repository${number}`, number>

/**
 * Finds the first of several repositories that has a manifest of an image, in one query whatever their number. Hot: prepared once for every
 * number of repositories.
 */
export function prepareFindManifestAmong(db: Database) {
  const columns = ['manifests.digest', 'manifests.media_type as mediaType', 'manifests.content'] as const
  const byDigest = forEachSize<{ image: string; digest: string }, FoundManifest>(db, (queries, p, size) =>
    queries
      .selectFrom('images')
      .innerJoin('manifests', 'manifests.image_id', 'images.id')
      .select([...columns, 'images.repository_id as repositoryId'])
      .where('images.name', '=', p.image)
      .where('images.repository_id', 'in', idsOf(p, size))
      .where('manifests.digest', '=', p.digest)
      .orderBy(placeAmong(p, size))
      .limit(1),
  )
  const byTag = forEachSize<{ image: string; tag: string }, FoundManifest>(db, (queries, p, size) =>
    queries
      .selectFrom('images')
      .innerJoin('tags', 'tags.image_id', 'images.id')
      .innerJoin('manifests', (join) =>
        join.onRef('manifests.image_id', '=', 'tags.image_id').onRef('manifests.digest', '=', 'tags.digest'),
      )
      .select([...columns, 'images.repository_id as repositoryId'])
      .where('images.name', '=', p.image)
      .where('images.repository_id', 'in', idsOf(p, size))
      .where('tags.name', '=', p.tag)
      .orderBy(placeAmong(p, size))
      .limit(1),
  )
  return {
    byDigest: async (ids: readonly number[], image: string, digest: string): Promise<FoundManifest | undefined> =>
      (await byDigest(ids, { image, digest }))[0],
    byTag: async (ids: readonly number[], image: string, tag: string): Promise<FoundManifest | undefined> =>
      (await byTag(ids, { image, tag }))[0],
  }
}

/** Finds a blob in all of several repositories that have it under this image, in their order. One query, prepared as above. */
export function prepareFindBlobAmong(db: Database) {
  const find = forEachSize<{ image: string; digest: string }, FoundBlob>(db, (queries, p, size) =>
    queries
      .selectFrom('images')
      .innerJoin('repositories', 'repositories.id', 'images.repository_id')
      .innerJoin('blob_links', 'blob_links.image_id', 'images.id')
      .innerJoin('blobs', (join) =>
        join.onRef('blobs.store', '=', 'repositories.blob_store').onRef('blobs.digest', '=', 'blob_links.digest'),
      )
      .select([
        'images.id as imageId',
        'images.repository_id as repositoryId',
        'blobs.store',
        'blobs.digest',
        'blobs.size',
        'blob_links.lease_until as leaseUntil',
      ])
      .where('images.name', '=', p.image)
      .where('images.repository_id', 'in', idsOf(p, size))
      .where('blob_links.digest', '=', p.digest)
      .where('blobs.state', '=', 'live'),
  )
  return async (ids: readonly number[], image: string, digest: string): Promise<FoundBlob[]> => {
    const found = await find(ids, { image, digest })
    // Cheaper here than in SQLite, and there is seldom more than one.
    return found.length < 2 ? found : found.sort((a, b) => ids.indexOf(a.repositoryId) - ids.indexOf(b.repositoryId))
  }
}

type Build<Parameters, Row> = (queries: Queries, parameters: Parameters & Ids, size: number) => Compilable<Row>

/** A query for each number of repositories that comes up, which is at most as many as a group has members. */
function forEachSize<Parameters extends object, Row>(db: Database, build: Build<Parameters, Row>) {
  const prepared = new Map<number, { query: Prepared<Parameters & Ids, Row>; names: (keyof Ids)[] }>()

  function prepareFor(size: number) {
    const query = db.prepare<Parameters & Ids, Row>((queries, p) => build(queries, p, size))
    const names = Array.from({ length: size }, (_, index) => `repository${index}` as const)
    prepared.set(size, { query, names })
    return { query, names }
  }

  return async (ids: readonly number[], parameters: Parameters): Promise<Row[]> => {
    if (ids.length === 0) return []
    const { query, names } = prepared.get(ids.length) ?? prepareFor(ids.length)
    const all = { ...parameters } as Parameters & Ids
    for (const [index, name] of names.entries()) (all as Ids)[name] = ids[index] as number
    return query(all)
  }
}

function idsOf(parameters: Ids, size: number): number[] {
  return Array.from({ length: size }, (_, index) => parameters[`repository${index}`] as number)
}

/** The place of a row's repository in the list. */
function placeAmong(parameters: Ids, size: number): RawBuilder<number> {
  const cases = idsOf(parameters, size).map((id, place) => sql`when ${id} then ${sql.lit(place)}`)
  return sql<number>`case images.repository_id ${sql.join(cases, sql` `)} end`
}
