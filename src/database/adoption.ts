import type { Insertable } from 'kysely'
import type { Queries } from './database.ts'
import { enqueue } from './gc-queue.ts'
import type { ManifestTable } from './schema.ts'

/** A manifest with the digests it references. */
export interface ManifestToInsert {
  row: Insertable<ManifestTable>
  references: string[]
}

/** A tag with its past: digests oldest first, the present one last. */
export interface TagToInsert {
  imageId: number
  name: string
  digest: string
  updatedAt: number
  history: { digest: string; at: number }[]
}

/** Rows per statement: SQLite allows 32,766 parameters. */
const chunk = 1000

function* chunks<T>(rows: T[]): Generator<T[]> {
  for (let start = 0; start < rows.length; start += chunk) yield rows.slice(start, start + chunk)
}

/** Stores many manifests with what they reference. Those that are there already stay as they are. Returns how many were new. */
export async function insertManifests(queries: Queries, manifests: ManifestToInsert[]): Promise<number> {
  const keyOf = (row: { image_id: number; digest: string }) => `${row.image_id} ${row.digest}`
  const referencesOf = new Map(manifests.map(({ row, references }) => [keyOf(row), references]))
  const references: { image_id: number; manifest_id: number; digest: string }[] = []
  let inserted = 0
  for (const rows of chunks(manifests.map(({ row }) => row))) {
    const fresh = await queries
      .insertInto('manifests')
      .values(rows)
      .onConflict((conflict) => conflict.columns(['image_id', 'digest']).doNothing())
      .returning(['id', 'image_id', 'digest'])
      .execute()
    inserted += fresh.length
    for (const { id, image_id, digest } of fresh) {
      for (const reference of new Set(referencesOf.get(keyOf({ image_id, digest }))))
        references.push({ image_id, manifest_id: id, digest: reference })
    }
  }
  for (const rows of chunks(references)) await queries.insertInto('manifest_references').values(rows).execute()
  return inserted
}

/**
 * Notes contents whose bytes were found in place, and holds them against the collector. Returns the digests that may be linked: all but
 * those whose removal was decided already. Digests must be distinct.
 */
export async function noteBlobs(
  queries: Queries,
  store: string,
  blobs: { digest: string; size: number }[],
  now: number,
  leaseUntil: number,
): Promise<Set<string>> {
  const noted = new Set<string>()
  for (const rows of chunks(inOrder(blobs))) {
    const usable = await queries
      .insertInto('blobs')
      .values(
        rows.map(({ digest, size }) => ({
          store,
          digest,
          size,
          state: 'live' as const,
          lease_until: leaseUntil,
          created_at: now,
        })),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['store', 'digest'])
          .doUpdateSet({ state: 'live', lease_until: leaseUntil })
          .where('blobs.state', '<>', 'deleting'),
      )
      .returning('digest')
      .execute()
    for (const { digest } of usable) noted.add(digest)
  }
  return noted
}

/** Holds contents against the collector. Returns the digests that are there. */
export async function holdBlobs(queries: Queries, store: string, digests: string[], leaseUntil: number) {
  const held = new Set<string>()
  for (const some of chunks([...digests].sort())) {
    const rows = await queries
      .updateTable('blobs')
      .set({ lease_until: leaseUntil })
      .where('store', '=', store)
      .where('digest', 'in', some)
      .where('state', '=', 'live')
      .returning('digest')
      .execute()
    for (const { digest } of rows) held.add(digest)
  }
  return held
}

/** Makes contents pullable from images, without a candidate for the collector: a manifest references each. Links must be distinct. */
export async function insertLinks(
  queries: Queries,
  links: { imageId: number; digest: string }[],
  now: number,
  leaseUntil: number,
): Promise<void> {
  for (const rows of chunks(inOrder(links))) {
    await queries
      .insertInto('blob_links')
      .values(
        rows.map(({ imageId, digest }) => ({ image_id: imageId, digest, lease_until: leaseUntil, created_at: now })),
      )
      .onConflict((conflict) => conflict.columns(['image_id', 'digest']).doUpdateSet({ lease_until: leaseUntil }))
      .execute()
  }
}

/** Adds tags with their history. A tag that exists already stays as it is. Returns how many were new. */
export async function insertTags(queries: Queries, tags: TagToInsert[]): Promise<number> {
  let inserted = 0
  for (const some of chunks(tags)) {
    const fresh = await queries
      .insertInto('tags')
      .values(
        some.map(({ imageId, name, digest, updatedAt }) => ({
          image_id: imageId,
          name,
          digest,
          updated_at: updatedAt,
        })),
      )
      .onConflict((conflict) => conflict.columns(['image_id', 'name']).doNothing())
      .returning(['image_id', 'name'])
      .execute()
    inserted += fresh.length
    const isFresh = new Set(fresh.map(({ image_id, name }) => `${image_id} ${name}`))
    const history = some
      .filter(({ imageId, name }) => isFresh.has(`${imageId} ${name}`))
      .flatMap(({ imageId, name, history }) =>
        history.map(({ digest, at }) => ({ image_id: imageId, name, digest, at })),
      )
    for (const rows of chunks(history)) await queries.insertInto('tag_history').values(rows).execute()
  }
  return inserted
}

/** Of these contents, the ones that no row of the store speaks of. */
export async function unknownBlobs(queries: Queries, store: string, digests: string[]): Promise<Set<string>> {
  const unknown = new Set(digests)
  for (const some of chunks(digests)) {
    const rows = await queries
      .selectFrom('blobs')
      .select('digest')
      .where('store', '=', store)
      .where('digest', 'in', some)
      .execute()
    for (const { digest } of rows) unknown.delete(digest)
  }
  return unknown
}

/** Notes contents that nothing refers to and makes them candidates, due at `dueAt`. What has a row meanwhile is left alone. */
export async function noteOrphans(
  queries: Queries,
  store: string,
  blobs: { digest: string; size: number }[],
  now: number,
  dueAt: number,
): Promise<void> {
  for (const rows of chunks(inOrder(blobs))) {
    const fresh = await queries
      .insertInto('blobs')
      .values(
        rows.map(({ digest, size }) => ({
          store,
          digest,
          size,
          state: 'live' as const,
          lease_until: dueAt,
          created_at: now,
        })),
      )
      .onConflict((conflict) => conflict.columns(['store', 'digest']).doNothing())
      .returning('digest')
      .execute()
    await enqueue(
      queries,
      fresh.map(({ digest }) => ({ imageId: 0, store, digest })),
      dueAt,
    )
  }
}

/** Two transactions that lock the same rows in the same order wait for each other; in different orders one of them fails. */
function inOrder<T extends { digest: string }>(rows: T[]): T[] {
  return [...rows].sort((a, b) => (a.digest < b.digest ? -1 : 1))
}
