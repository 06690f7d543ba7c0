import type { Database, Queries } from './database.ts'
import { enqueue } from './gc-queue.ts'
import { ensureImage, imageId } from './images.ts'
import { laterOf } from './lease.ts'
import { statement } from './prepared.ts'
import type { BlobTable } from './schema.ts'

export interface LinkedBlob {
  imageId: number
  digest: string
  /** Where the bytes are. */
  store: string
  /** Bytes. */
  size: number
  leaseUntil: number
}

/**
 * Finds a blob that may be pulled from an image. Hot: one prepared query, see `prepareFindManifest` for its form. `store` is where the caller believes that the
 * repository keeps its content; only when nothing is there it is asked whether the repository has moved.
 */
export function prepareFindBlob(db: Database) {
  const find = db.prepare<{ repositoryId: number; image: string; digest: string; store: string }, LinkedBlob>(
    (queries, p) =>
      queries
        .selectFrom('blob_links')
        .innerJoin('blobs', 'blobs.digest', 'blob_links.digest')
        .select([
          'blob_links.image_id as imageId',
          'blobs.digest',
          'blobs.store',
          'blobs.size',
          'blob_links.lease_until as leaseUntil',
        ])
        .where('blob_links.image_id', '=', imageId(queries, p))
        .where('blob_links.digest', '=', p.digest)
        .where('blobs.store', '=', p.store)
        .where('blobs.digest', '=', p.digest)
        .where('blobs.state', '=', 'live'),
  )
  const findStore = db.prepare<{ repositoryId: number }, { store: string }>((queries, p) =>
    queries.selectFrom('repositories').select('blob_store as store').where('id', '=', p.repositoryId),
  )
  return async (
    repositoryId: number,
    image: string,
    digest: string,
    store: string,
  ): Promise<LinkedBlob | undefined> => {
    const [found] = await find({ repositoryId, image, digest, store })
    if (found) return found
    const [current] = await findStore({ repositoryId })
    if (!current || current.store === store) return undefined
    return (await find({ repositoryId, image, digest, store: current.store }))[0]
  }
}

/** Keeps a link for the time of a push. False: it is gone, the collector was quicker. */
export async function renewLink(queries: Queries, imageId: number, digest: string, leaseUntil: number) {
  const { numUpdatedRows } = await queries
    .updateTable('blob_links')
    .set({ lease_until: laterOf('blob_links', leaseUntil) })
    .where('image_id', '=', imageId)
    .where('digest', '=', digest)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

const reserve = statement<
  { store: string; digest: string; size: number; now: number; leaseUntil: number },
  { state: BlobTable['state'] }
>((queries, p) =>
  queries
    .insertInto('blobs')
    .values({
      store: p.store,
      digest: p.digest,
      size: p.size,
      state: 'incoming',
      lease_until: p.leaseUntil,
      created_at: p.now,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['store', 'digest'])
        .doUpdateSet({ lease_until: laterOf('blobs', p.leaseUntil) })
        .where('blobs.state', '<>', 'deleting'),
    )
    .returning('state'),
)

/**
 * Announces content before its bytes are put in place, so that no collector on any instance removes them in between, and so that a crash
 * leaves a row the collector finds. `deleting`: the old bytes are just going away, come back in a moment.
 */
export async function reserveBlob(
  queries: Queries,
  blob: { store: string; digest: string; size: number },
  now: number,
  leaseUntil: number,
): Promise<'incoming' | 'live' | 'deleting'> {
  const [row] = (await reserve(queries, { ...blob, now, leaseUntil })).rows
  if (!row) return 'deleting'
  await enqueue(queries, [{ imageId: 0, ...blob }], leaseUntil)
  return row.state
}

const hold = statement<{ store: string; digest: string }, { state: BlobTable['state'] }>((queries, p) =>
  queries.selectFrom('blobs').select('state').where('store', '=', p.store).where('digest', '=', p.digest).forUpdate(),
)

/** Whether a store has content that may be linked. */
export async function isLive(queries: Queries, store: string, digest: string): Promise<boolean> {
  const row = await queries
    .selectFrom('blobs')
    .select('state')
    .where('store', '=', store)
    .where('digest', '=', digest)
    .executeTakeFirst()
  return row?.state === 'live'
}

/**
 * Keeps announced content from the collector until the transaction ends: whatever is in place now stays. False: the reservation ran out, and
 * the bytes are being removed or are gone.
 */
export async function holdReserved(queries: Queries, store: string, digest: string): Promise<boolean> {
  const [row] = (await hold(queries, { store, digest })).rows
  return row !== undefined && row.state !== 'deleting'
}

const makeLive = statement<{ store: string; digest: string; size: number; leaseUntil: number }>((queries, p) =>
  queries
    .updateTable('blobs')
    .set({ state: 'live', size: p.size, lease_until: p.leaseUntil })
    .where('store', '=', p.store)
    .where('digest', '=', p.digest),
)

/** The bytes are in place, seen while the content was held: from this transaction on they may be linked. */
export async function publishBlob(
  queries: Queries,
  blob: { store: string; digest: string; size: number },
  leaseUntil: number,
): Promise<void> {
  await makeLive(queries, { ...blob, leaseUntil })
}

/** Takes hold of content that is there, against the collector. Undefined: not there (any more). */
export async function holdLiveBlob(queries: Queries, store: string, digest: string, leaseUntil: number) {
  const row = await queries
    .updateTable('blobs')
    .set({ lease_until: laterOf('blobs', leaseUntil) })
    .where('store', '=', store)
    .where('digest', '=', digest)
    .where('state', '=', 'live')
    .returning('size')
    .executeTakeFirst()
  return row?.size
}

const link = statement<{ imageId: number; digest: string; now: number; leaseUntil: number }>((queries, p) =>
  queries
    .insertInto('blob_links')
    .values({ image_id: p.imageId, digest: p.digest, lease_until: p.leaseUntil, created_at: p.now })
    .onConflict((conflict) =>
      conflict.columns(['image_id', 'digest']).doUpdateSet({ lease_until: laterOf('blob_links', p.leaseUntil) }),
    ),
)

/** Makes a blob pullable from an image (created when new) and leaves a candidate, in case no manifest ever references it. */
export async function linkBlob(
  queries: Queries,
  { repositoryId, image, digest }: { repositoryId: number; image: string; digest: string },
  now: number,
  leaseUntil: number,
): Promise<void> {
  const imageId = await ensureImage(queries, repositoryId, image, now)
  await link(queries, { imageId, digest, now, leaseUntil })
  await enqueue(queries, [{ imageId, store: '', digest }], leaseUntil)
}

/**
 * Makes a push that needs the link wait until the transaction ends, or waits for it. False: it is not linked. Whoever means to remove a link asks
 * this first and then looks for references: one statement for both would not see those that a push commits while it waits.
 */
export async function holdLink(queries: Queries, imageId: number, digest: string): Promise<boolean> {
  const row = await queries
    .selectFrom('blob_links')
    .select('digest')
    .where('image_id', '=', imageId)
    .where('digest', '=', digest)
    .forUpdate()
    .executeTakeFirst()
  return row !== undefined
}

/** Takes a blob out of an image at once; its bytes become a candidate, and so does the image. False: it was not linked. */
export async function unlinkBlob(queries: Queries, imageId: number, digest: string, store: string, now: number) {
  const { numDeletedRows } = await queries
    .deleteFrom('blob_links')
    .where('image_id', '=', imageId)
    .where('digest', '=', digest)
    .executeTakeFirst()
  const candidates = [
    { imageId: 0, store, digest },
    { imageId, store: '', digest },
  ]
  await enqueue(queries, candidates, now)
  return numDeletedRows > 0n
}

/** Whether a manifest of the image needs this blob. */
export async function isReferenced(queries: Queries, imageId: number, digest: string): Promise<boolean> {
  const row = await queries
    .selectFrom('manifest_references')
    .select('manifest_id')
    .where('image_id', '=', imageId)
    .where('digest', '=', digest)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Images that hold a blob of this store: where an unnamed mount may come from. */
export function findBlobHolders(queries: Queries, store: string, digest: string, limit: number) {
  return queries
    .selectFrom('blob_links')
    .innerJoin('images', 'images.id', 'blob_links.image_id')
    .innerJoin('repositories', 'repositories.id', 'images.repository_id')
    .select(['repositories.name as repository', 'images.name as image'])
    .where('blob_links.digest', '=', digest)
    .where('repositories.blob_store', '=', store)
    .limit(limit)
    .execute()
}
