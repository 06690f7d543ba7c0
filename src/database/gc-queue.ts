import { type SqlBool, sql } from 'kysely'
import type { Queries } from './database.ts'
import { statement } from './prepared.ts'

/** Something that may have become garbage: the link of an image (`imageId` > 0, `store` empty), or the content itself (`imageId` 0). */
export interface Candidate {
  imageId: number
  store: string
  digest: string
}

export interface DueCandidate extends Candidate {
  id: number
  asked: number
  /** Undefined: what it names is gone already. */
  leaseUntil: number | undefined
  inUse: boolean
}

/** Rows per statement: SQLite allows 32,766 parameters. */
const chunk = 1000

const enqueueOne = statement<Candidate & { dueAt: number }>((queries, p) =>
  queries
    .insertInto('gc_queue')
    .values({ image_id: p.imageId, store: p.store, digest: p.digest, due_at: p.dueAt })
    .onConflict((conflict) =>
      conflict
        .columns(['image_id', 'store', 'digest'])
        .doUpdateSet((eb) => ({ due_at: p.dueAt, asked: eb('gc_queue.asked', '+', 1) })),
    ),
)

/** Asks for a review at `dueAt`. A candidate already waiting moves to the new time. Each candidate at most once. */
export async function enqueue(queries: Queries, unordered: Candidate[], dueAt: number): Promise<void> {
  const [only, ...others] = unordered
  if (only && others.length === 0) {
    await enqueueOne(queries, { ...only, dueAt })
    return
  }
  // In one order, so that two transactions with the same candidates wait for each other rather than block each other.
  const candidates = unordered.toSorted((a, b) => a.imageId - b.imageId || (a.digest < b.digest ? -1 : 1))
  for (let start = 0; start < candidates.length; start += chunk) {
    await queries
      .insertInto('gc_queue')
      .values(
        candidates
          .slice(start, start + chunk)
          .map(({ imageId, store, digest }) => ({ image_id: imageId, store, digest, due_at: dueAt })),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['image_id', 'store', 'digest'])
          .doUpdateSet((eb) => ({ due_at: dueAt, asked: eb('gc_queue.asked', '+', 1) })),
      )
      .execute()
  }
}

/** The oldest due links, each with what decides over it. */
export async function dueLinks(queries: Queries, now: number, limit: number): Promise<DueCandidate[]> {
  const rows = await queries
    .selectFrom('gc_queue as q')
    .leftJoin('blob_links as l', (join) =>
      join.onRef('l.image_id', '=', 'q.image_id').onRef('l.digest', '=', 'q.digest'),
    )
    .select(['q.id', 'q.asked', 'q.image_id as imageId', 'q.store', 'q.digest', 'l.lease_until as leaseUntil'])
    .select(({ exists, selectFrom }) =>
      exists(
        selectFrom('manifest_references as r')
          .select('r.manifest_id')
          .whereRef('r.image_id', '=', 'q.image_id')
          .whereRef('r.digest', '=', 'q.digest'),
      ).as('inUse'),
    )
    .where('q.due_at', '<=', now)
    .where('q.image_id', '>', 0)
    .orderBy('q.due_at')
    .limit(limit)
    .execute()
  return rows.map(decided)
}

/** The oldest due contents, each with what decides over it. */
export async function dueBlobs(queries: Queries, now: number, limit: number): Promise<DueCandidate[]> {
  const rows = await queries
    .selectFrom('gc_queue as q')
    .leftJoin('blobs as b', (join) => join.onRef('b.store', '=', 'q.store').onRef('b.digest', '=', 'q.digest'))
    .select(['q.id', 'q.asked', 'q.image_id as imageId', 'q.store', 'q.digest', 'b.lease_until as leaseUntil'])
    .select(contentInUse('q').as('inUse'))
    .where('q.due_at', '<=', now)
    .where('q.image_id', '=', 0)
    .orderBy('q.due_at')
    .limit(limit)
    .execute()
  return rows.map(decided)
}

function decided<Row extends { leaseUntil: number | null; inUse: SqlBool }>(row: Row) {
  return { ...row, leaseUntil: row.leaseUntil ?? undefined, inUse: Boolean(row.inUse) }
}

/** Linked from an image of a repository in that store, or the file of a manifest that was adopted with its storage. */
function contentInUse(table: string) {
  const store = sql.ref(`${table}.store`)
  const digest = sql.ref(`${table}.digest`)
  return sql<SqlBool>`(exists (
      select 1 from blob_links l join images i on i.id = l.image_id join repositories s on s.id = i.repository_id
      where l.digest = ${digest} and s.blob_store = ${store}
    ) or exists (
      select 1 from manifests m join images i on i.id = m.image_id join repositories s on s.id = i.repository_id
      where m.digest = ${digest} and s.blob_store = ${store}
    ))`
}

/** Takes candidates off the queue, unless someone has asked for another review since they were read. */
export async function settle(queries: Queries, candidates: DueCandidate[]): Promise<void> {
  for (const [asked, group] of Map.groupBy(candidates, (candidate) => candidate.asked)) {
    for (let start = 0; start < group.length; start += chunk) {
      const ids = group.slice(start, start + chunk).map(({ id }) => id)
      await queries.deleteFrom('gc_queue').where('id', 'in', ids).where('asked', '=', asked).execute()
    }
  }
}

/** Moves a candidate to the end of its lease, unless someone has asked for another review since it was read. */
export async function postpone(queries: Queries, { id, asked }: DueCandidate, dueAt: number): Promise<void> {
  await queries.updateTable('gc_queue').set({ due_at: dueAt }).where('id', '=', id).where('asked', '=', asked).execute()
}

/**
 * Removes the link if it is still unused and its lease over, and makes the content behind it a candidate.
 *
 * First held, then judged, in two statements: a statement that waits for a push to commit goes on with what it saw before, so it would miss the
 * references of that push. Held, the link can be taken by no other push, and the next statement sees everything there is.
 */
export async function collectLink(queries: Queries, { imageId, digest }: Candidate, now: number): Promise<boolean> {
  const held = await queries
    .selectFrom('blob_links')
    .select('digest')
    .where('image_id', '=', imageId)
    .where('digest', '=', digest)
    .where('lease_until', '<', now)
    .forUpdate()
    .executeTakeFirst()
  if (!held) return false
  const { numDeletedRows } = await queries
    .deleteFrom('blob_links')
    .where('image_id', '=', imageId)
    .where('digest', '=', digest)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('manifest_references')
            .select('manifest_id')
            .where('image_id', '=', imageId)
            .where('digest', '=', digest),
        ),
      ),
    )
    .executeTakeFirst()
  if (numDeletedRows === 0n) return false
  const { store } = await queries
    .selectFrom('images')
    .innerJoin('repositories', 'repositories.id', 'images.repository_id')
    .select('repositories.blob_store as store')
    .where('images.id', '=', imageId)
    .executeTakeFirstOrThrow()
  await enqueue(queries, [{ imageId: 0, store, digest }], now)
  return true
}

/** Decides that the bytes go, if they are still unused and their lease over. From then on nobody can link to them. Held first, as in `collectLink`. */
export async function condemnBlob(queries: Queries, { store, digest }: Candidate, now: number): Promise<boolean> {
  const held = await queries
    .selectFrom('blobs')
    .select('digest')
    .where('store', '=', store)
    .where('digest', '=', digest)
    .where('lease_until', '<', now)
    .forUpdate()
    .executeTakeFirst()
  if (!held) return false
  const { numUpdatedRows } = await queries
    .updateTable('blobs')
    .set({ state: 'deleting' })
    .where('store', '=', store)
    .where('digest', '=', digest)
    .where(sql<SqlBool>`not ${contentInUse('blobs')}`)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export interface Condemned {
  store: string
  digest: string
  /** Bytes. */
  size: number
}

/** Contents of a store whose removal was decided, by us just now or by an instance that died before it was done, by digest after `last`. */
export function condemnedBlobs(queries: Queries, store: string, last: string, limit: number): Promise<Condemned[]> {
  return queries
    .selectFrom('blobs')
    .select(['store', 'digest', 'size'])
    .where('state', '=', sql.lit('deleting'))
    .where('store', '=', store)
    .where('digest', '>', last)
    .orderBy('digest')
    .limit(limit)
    .execute()
}

/** The stores that have condemned contents. */
export async function storesToClear(queries: Queries): Promise<string[]> {
  const rows = await queries
    .selectFrom('blobs')
    .select('store')
    .distinct()
    .where('state', '=', sql.lit('deleting'))
    .orderBy('store')
    .execute()
  return rows.map(({ store }) => store)
}

/**
 * Takes condemned content for removing its bytes before the transaction ends: whoever wants to store the same content waits. False: another
 * instance is at it, or it is done. Without this, an instance that is late would remove the bytes of a push that came after.
 */
export async function holdCondemned(queries: Queries, store: string, digest: string): Promise<boolean> {
  const row = await queries
    .selectFrom('blobs')
    .select('digest')
    .where('store', '=', store)
    .where('digest', '=', digest)
    .where('state', '=', 'deleting')
    .forUpdate()
    .skipLocked()
    .executeTakeFirst()
  return row !== undefined
}

/** The bytes are gone: the content may come again. */
export async function forgetBlob(queries: Queries, store: string, digest: string): Promise<void> {
  await queries
    .deleteFrom('blobs')
    .where('store', '=', store)
    .where('digest', '=', digest)
    .where('state', '=', 'deleting')
    .execute()
}

export interface Reclaimable {
  store: string
  digest: string
  /** Bytes. */
  size: number
  /** The collector takes it after this time. */
  leaseUntil: number
}

/** Contents that no manifest needs, whether the collector has reached them or not; a full scan, for reports. */
export function reclaimableBlobs(queries: Queries): Promise<Reclaimable[]> {
  return queries
    .selectFrom('blobs as b')
    .select(['b.store', 'b.digest', 'b.size', 'b.lease_until as leaseUntil'])
    .where(
      sql<SqlBool>`not exists (
        select 1 from blob_links l join images i on i.id = l.image_id join repositories s on s.id = i.repository_id
        where l.digest = b.digest and s.blob_store = b.store
          and exists (select 1 from manifest_references r where r.image_id = l.image_id and r.digest = l.digest)
      ) and not exists (
        select 1 from manifests m join images i on i.id = m.image_id join repositories s on s.id = i.repository_id
        where m.digest = b.digest and s.blob_store = b.store
      )`,
    )
    .orderBy('b.size', 'desc')
    .execute()
}

/** How many references from manifests to content there are. */
export async function countReferences(queries: Queries): Promise<number> {
  const { count } = await queries
    .selectFrom('manifest_references')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}
