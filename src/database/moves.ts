import { type SqlBool, sql } from 'kysely'
import type { Queries } from './database.ts'

/** A repository whose content goes from one store to another. */
export interface Move {
  repositoryId: number
  from: string
  to: string
}

export interface MovingBlob {
  digest: string
  /** Bytes. */
  size: number
}

/** Linked in the repository and in the old store, and not sure to stay in the new one until `sureUntil`. */
function isPending({ repositoryId, from, to }: Move, sureUntil: number) {
  return sql<SqlBool>`b.store = ${from} and exists (
      select 1 from blob_links l join images i on i.id = l.image_id
      where l.digest = b.digest and i.repository_id = ${repositoryId}
    ) and not exists (
      select 1 from blobs n
      where n.store = ${to} and n.digest = b.digest and n.state = 'live' and n.lease_until >= ${sureUntil}
    )`
}

/** What is still to be copied, by digest after `last`. */
export async function pendingBlobs(
  queries: Queries,
  move: Move,
  sureUntil: number,
  last: string,
  limit: number,
): Promise<MovingBlob[]> {
  const { rows } = await sql<MovingBlob>`select b.digest, b.size from blobs b
    where ${isPending(move, sureUntil)} and b.digest > ${last} order by b.digest limit ${limit}`.execute(queries)
  return rows
}

/** All of it, for telling how far a move is. */
export async function countPending(queries: Queries, move: Move, sureUntil: number) {
  const { rows } = await sql<{ blobs: number; bytes: number }>`select count(*) as blobs,
    cast(coalesce(sum(b.size), 0) as bigint) as bytes from blobs b where ${isPending(move, sureUntil)}`.execute(queries)
  return { blobs: Number(rows[0]!.blobs), bytes: Number(rows[0]!.bytes) }
}

/**
 * Lets the repository use the new store, unless something is still to be copied or it has another store by now (false). The contents of the old store become
 * candidates of the collector at `reviewAt`. Whoever links content asks `holdStoreOf` before, so nothing is linked in the old store afterwards.
 */
export async function switchStore(queries: Queries, move: Move, sureUntil: number, reviewAt: number): Promise<boolean> {
  const { repositoryId, from, to } = move
  const row = await queries
    .selectFrom('repositories')
    .select('blob_store as store')
    .where('id', '=', repositoryId)
    .forUpdate()
    .executeTakeFirst()
  if (row?.store !== from) return false
  if ((await pendingBlobs(queries, move, sureUntil, '', 1)).length > 0) return false
  await queries.updateTable('repositories').set({ blob_store: to }).where('id', '=', repositoryId).execute()
  await sql`insert into gc_queue (image_id, store, digest, due_at, asked)
    select 0, ${from}, b.digest, ${reviewAt}, 1 from blobs b where b.store = ${from} and (
      exists (select 1 from blob_links l join images i on i.id = l.image_id
        where l.digest = b.digest and i.repository_id = ${repositoryId})
      or exists (select 1 from manifests m join images i on i.id = m.image_id
        where m.digest = b.digest and i.repository_id = ${repositoryId}))
    on conflict (image_id, store, digest) do update set due_at = excluded.due_at, asked = gc_queue.asked + 1`.execute(
    queries,
  )
  return true
}
