import { type RawBuilder, sql } from 'kysely'
import type { CachedManifest } from './cached-manifests.ts'
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
  /** When one of the manifests of the repository that need it and were used after the time asked about was used; undefined: none was. */
  usedAt: number | undefined
  /** Another repository has it, too: evicting it here frees nothing. */
  isShared: boolean
}

/**
 * Whether contents of a store are used after a time. Ends at the first use that it finds, from the youngest manifest on: a layer may be in a hundred thousand.
 * In subqueries of subqueries, here and below, because both databases otherwise find reasons to begin with all images or all uses.
 */
export async function usesOfContent(
  queries: Queries,
  { store, repositoryId }: { store: string; repositoryId: number },
  digests: string[],
  after: number,
): Promise<ContentUse[]> {
  const uses: ContentUse[] = []
  for (let start = 0; start < digests.length; start += chunk) {
    const rows = await queries
      .selectFrom('blobs as b')
      .select('b.digest')
      .select(
        sql<number | null>`(select x.used_at from (
          select l.image_id, r.manifest_id, (select u.used_at from manifest_uses u where u.manifest_id = r.manifest_id) as used_at
          from blob_links l join manifest_references r on r.image_id = l.image_id and r.digest = l.digest
          where l.digest = b.digest and ${repositoryOf('l')} = ${repositoryId}
        ) x where x.used_at > ${after} order by x.image_id desc, x.manifest_id desc limit 1)`.as('usedAt'),
      )
      .select(linkElsewhere(repositoryId, store).as('elsewhere'))
      .where('b.store', '=', store)
      .where('b.digest', 'in', digests.slice(start, start + chunk))
      .execute()
    for (const { digest, usedAt, elsewhere } of rows)
      uses.push({ digest, usedAt: usedAt ?? undefined, isShared: elsewhere !== null })
  }
  return uses
}

/** The manifests of a repository that need one of the contents, each as often as it needs one. */
export async function usersOfContent(
  queries: Queries,
  repositoryId: number,
  digests: string[],
): Promise<(CachedManifest & { content: string })[]> {
  const users: (CachedManifest & { content: string })[] = []
  for (let start = 0; start < digests.length; start += chunk) {
    const rows = await queries
      .selectFrom('blob_links as l')
      .innerJoin('manifest_references as r', (join) =>
        join.onRef('r.image_id', '=', 'l.image_id').onRef('r.digest', '=', 'l.digest'),
      )
      .innerJoin('manifests as m', 'm.id', 'r.manifest_id')
      .select(['m.id', 'm.image_id as imageId', 'm.digest', 'l.digest as content'])
      .select(sql<string>`(select i.name from images i where i.id = m.image_id)`.as('image'))
      .select(sql<number | null>`(select u.used_at from manifest_uses u where u.manifest_id = m.id)`.as('usedAt'))
      .where('l.digest', 'in', digests.slice(start, start + chunk))
      .where(repositoryOf('l'), '=', repositoryId)
      .execute()
    // What nobody has kept count of yet was used just now, for all we know.
    for (const row of rows) users.push({ ...row, usedAt: row.usedAt ?? Number.MAX_SAFE_INTEGER })
  }
  return users
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
 * A page of the blobs of a store, by digest after `last`, and how many bytes of them are needed by manifests of this repository and had by no other one. In the
 * order of the digests, so that each table is read from one end to the other.
 */
export function prepareCountContent(db: Database) {
  const page = db.prepare<
    { repositoryId: number; store: string; last: string; limit: number },
    { blobs: unknown; bytes: unknown; last: string | null }
  >((queries, p) => {
    const needed = sql`(select 1 from blob_links l
      where l.digest = b.digest and ${repositoryOf('l')} = ${p.repositoryId}
        and exists (select 1 from manifest_references r where r.image_id = l.image_id and r.digest = l.digest)
      limit 1)`
    return queries
      .selectFrom((from) =>
        from
          .selectFrom('blobs as b')
          .select('b.digest')
          .select(
            sql`case when ${linkElsewhere(p.repositoryId, p.store)} is null and ${needed} is not null then b.size end`.as(
              'bytes',
            ),
          )
          .where('b.store', '=', p.store)
          .where('b.digest', '>', p.last)
          .where('b.state', '=', 'live')
          .orderBy('b.digest')
          .limit(p.limit)
          .as('page'),
      )
      .select(({ fn }) => [
        fn.countAll().as('blobs'),
        fn.sum(sql`page.bytes`).as('bytes'),
        fn.max('page.digest').as('last'),
      ])
  })
  return async (repositoryId: number, store: string, last: string, limit: number) => {
    const [found] = await page({ repositoryId, store, last, limit })
    return { bytes: Number(found?.bytes ?? 0), last: found?.last ?? last, isEnd: Number(found?.blobs) < limit }
  }
}

/** The repository of a link. */
function repositoryOf(link: string): RawBuilder<number> {
  return sql<number>`(select i.repository_id from images i where i.id = ${sql.ref(`${link}.image_id`)})`
}

/** 1 when another repository of the store has the blob `b`, else null. */
function linkElsewhere(repositoryId: number, store: string): RawBuilder<number | null> {
  return sql<number | null>`(select 1 from blob_links o
    where o.digest = b.digest
      and ${repositoryOf('o')} in (select s.id from repositories s where s.blob_store = ${store} and s.id <> ${repositoryId})
    limit 1)`
}
