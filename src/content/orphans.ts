import { noteOrphans, unknownBlobs } from '../database/adoption.ts'
import { blobKey } from './blob-store.ts'
import type { ContentParts } from './content.ts'
import { type Digest, isDigest } from './digest.ts'

/** Contents of a blob store that the database knows nothing of. */
export interface Orphans {
  blobs: number
  bytes: number
}

const folder = 'docker/registry/v2/blobs/'

/** Contents looked up at once. */
const batch = 1000

/**
 * Counts the contents of a store that no row speaks of: what registry:2 left without a manifest, and what could not be adopted. With `collect`, they
 * become candidates for the collector, which removes them after the grace time. Reads the names of all files there; safe while serving, because content is
 * announced before it is put in place.
 */
export async function findOrphans(
  { db, stores, now, graceMs }: ContentParts,
  store: string,
  { collect = false, signal }: { collect?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<Orphans> {
  const total: Orphans = { blobs: 0, bytes: 0 }
  let waiting = new Map<Digest, number>()

  async function look(): Promise<void> {
    const unknown = await unknownBlobs(db.queries, store, [...waiting.keys()])
    const found = [...waiting].filter(([digest]) => unknown.has(digest)).map(([digest, size]) => ({ digest, size }))
    if (collect && found.length > 0) await db.transaction((tx) => noteOrphans(tx, store, found, now(), now() + graceMs))
    total.blobs += found.length
    total.bytes += found.reduce((sum, { size }) => sum + size, 0)
    waiting = new Map()
  }

  for await (const { key, size } of stores(store).driver.list(folder, signal ? { signal } : {})) {
    const digest = digestOfKey(key)
    if (!digest) continue
    waiting.set(digest, size)
    if (waiting.size >= batch) await look()
  }
  await look()
  return total
}

/** Undefined for a key that is no content: what a crash has left beside it. */
function digestOfKey(key: string): Digest | undefined {
  const [algorithm, , hex] = key.slice(folder.length).split('/')
  const digest = `${algorithm}:${hex}`
  return isDigest(digest) && key === blobKey(digest) ? digest : undefined
}
