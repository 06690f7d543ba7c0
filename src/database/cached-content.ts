import { type SqlBool, sql } from 'kysely'
import type { Database, Queries } from './database.ts'

/** Digests per statement. */
const chunk = 200

/** Content that a cached manifest needs and that is in the store. */
export interface NeededContent {
  manifestId: number
  digest: string
  /** Bytes. */
  size: number
}

/** The blobs that manifests keep in the store: live, and linked to the manifest's image. As subqueries, because SQLite begins a join with all blobs. */
export async function contentOf(queries: Queries, store: string, manifestIds: number[]): Promise<NeededContent[]> {
  const rows = await queries
    .selectFrom('manifest_references as r')
    .select(['r.manifest_id as manifestId', 'r.digest'])
    .select((eb) =>
      eb
        .selectFrom('blobs as b')
        .select('b.size')
        .where('b.store', '=', store)
        .whereRef('b.digest', '=', 'r.digest')
        .where('b.state', '=', 'live')
        .where(({ exists, selectFrom }) =>
          exists(
            selectFrom('blob_links as l')
              .select('l.digest')
              .whereRef('l.image_id', '=', 'r.image_id')
              .whereRef('l.digest', '=', 'r.digest'),
          ),
        )
        .as('size'),
    )
    .where('r.manifest_id', 'in', manifestIds)
    .execute()
  return rows.flatMap(({ manifestId, digest, size }) => (size === null ? [] : [{ manifestId, digest, size }]))
}

export interface ContentUse {
  digest: string
  /** When the last manifest of the repository that needs it was used; null: none does. */
  newest: number | null
  /** Another repository has it, too: evicting it here frees nothing. */
  isShared: boolean
}

/** Who uses contents of a store. */
export async function usesOfContent(
  queries: Queries,
  store: string,
  repositoryId: number,
  digests: string[],
): Promise<ContentUse[]> {
  const uses: ContentUse[] = []
  for (let start = 0; start < digests.length; start += chunk) {
    const rows = await queries
      .selectFrom('blob_links as l')
      .innerJoin('images as i', 'i.id', 'l.image_id')
      .innerJoin('repositories as s', 's.id', 'i.repository_id')
      .leftJoin('manifest_references as r', (join) =>
        join.onRef('r.image_id', '=', 'l.image_id').onRef('r.digest', '=', 'l.digest'),
      )
      .leftJoin('manifest_uses as u', 'u.manifest_id', 'r.manifest_id')
      .select(['l.digest', ({ fn }) => fn.max('u.used_at').as('newest')])
      .select(sql<number>`max(case when i.repository_id <> ${repositoryId} then 1 else 0 end)`.as('shared'))
      .where('s.blob_store', '=', store)
      .where('l.digest', 'in', digests.slice(start, start + chunk))
      .groupBy('l.digest')
      .execute()
    for (const { digest, newest, shared } of rows) uses.push({ digest, newest, isShared: Number(shared) === 1 })
  }
  return uses
}

/** The manifests of a repository that need one of the contents. */
export async function usersOfContent(queries: Queries, repositoryId: number, digests: string[]) {
  const users = new Map<number, { id: number; imageId: number; image: string; digest: string; usedAt: number }>()
  for (let start = 0; start < digests.length; start += chunk) {
    const rows = await queries
      .selectFrom('blob_links as l')
      .innerJoin('images as i', 'i.id', 'l.image_id')
      .innerJoin('manifest_references as r', (join) =>
        join.onRef('r.image_id', '=', 'l.image_id').onRef('r.digest', '=', 'l.digest'),
      )
      .innerJoin('manifests as m', 'm.id', 'r.manifest_id')
      .innerJoin('manifest_uses as u', 'u.manifest_id', 'm.id')
      .select(['m.id', 'm.image_id as imageId', 'i.name as image', 'm.digest', 'u.used_at as usedAt'])
      // The plus keeps SQLite from beginning with all images of the repository.
      .where(sql<SqlBool>`+i.repository_id = ${repositoryId}`)
      .where('l.digest', 'in', digests.slice(start, start + chunk))
      .execute()
    for (const row of rows) users.set(row.id, row)
  }
  return [...users.values()]
}

/**
 * Which contents of a store a manifest still needs, in whichever repository. With a limit in a column of its own, because PostgreSQL would otherwise join
 * all links with all references to answer for a few digests.
 */
export async function stillNeeded(queries: Queries, store: string, digests: string[]): Promise<Set<string>> {
  const needed = new Set<string>()
  for (let start = 0; start < digests.length; start += chunk) {
    const rows = await queries
      .selectFrom('blobs as b')
      .select('b.digest')
      .select((eb) =>
        eb
          .selectFrom('blob_links as l')
          .innerJoin('images as i', 'i.id', 'l.image_id')
          .innerJoin('repositories as s', 's.id', 'i.repository_id')
          .innerJoin('manifest_references as r', (join) =>
            join.onRef('r.image_id', '=', 'l.image_id').onRef('r.digest', '=', 'l.digest'),
          )
          .select('r.manifest_id')
          .whereRef('l.digest', '=', 'b.digest')
          .whereRef('s.blob_store', '=', 'b.store')
          .limit(1)
          .as('user'),
      )
      .where('b.store', '=', store)
      .where('b.digest', 'in', digests.slice(start, start + chunk))
      .execute()
    for (const { digest, user } of rows) if (user !== null) needed.add(digest)
  }
  return needed
}

/**
 * A page of the blobs of one image, by digest after `last`, each with the bytes that it counts for in its repository's cache: 0 where no manifest needs it,
 * where another repository has it too, and where an image before this one counts for it.
 */
export function prepareCountContent(db: Database) {
  const page = db.prepare<
    { imageId: number; repositoryId: number; store: string; last: string; limit: number },
    { digest: string; size: number; counts: unknown }
  >((queries, p) => {
    const otherwise = sql`(select 1 from blob_links o
        join images i on i.id = o.image_id join repositories s on s.id = i.repository_id
      where o.digest = l.digest and s.blob_store = ${p.store} and (i.repository_id <> ${p.repositoryId} or (
        o.image_id < ${p.imageId} and exists (
          select 1 from manifest_references q where q.image_id = o.image_id and q.digest = o.digest))))`
    return queries
      .selectFrom('blob_links as l')
      .innerJoin('blobs as b', 'b.digest', 'l.digest')
      .select(['l.digest', 'b.size'])
      .select(
        sql`case when exists (select 1 from manifest_references r where r.image_id = l.image_id and r.digest = l.digest)
          and not exists ${otherwise} then 1 else 0 end`.as('counts'),
      )
      .where('l.image_id', '=', p.imageId)
      .where('l.digest', '>', p.last)
      .where('b.store', '=', p.store)
      .where('b.state', '=', 'live')
      .orderBy('l.digest')
      .limit(p.limit)
  })
  return async (place: { imageId: number; repositoryId: number; store: string }, last: string, limit: number) => {
    const rows = await page({ ...place, last, limit })
    const bytes = rows.reduce((sum, { size, counts }) => sum + (Number(counts) === 1 ? size : 0), 0)
    return { bytes, last: rows.at(-1)?.digest ?? last, isEnd: rows.length < limit }
  }
}
