import { setTimeout as sleep } from 'node:timers/promises'
import { holdLiveBlob, holdReserved, publishBlob, reserveBlob } from '../database/blobs.ts'
import type { Queries } from '../database/database.ts'
import { countPending, type Move, type MovingBlob, pendingBlobs, switchStore } from '../database/moves.ts'
import { AppError } from '../errors.ts'
import { blobKey } from './blob-store.ts'
import type { ContentParts } from './content.ts'
import { copyBlob } from './copy-blob.ts'
import type { Digest } from './digest.ts'

/** How long copies wait in the new store for the rest: a move that is broken off finds them again for as long, then the collector takes them. */
const copiesKeptMs = 24 * 3_600_000

/** A copy whose time ends sooner is looked at again before the switch. */
const marginMs = 3_600_000

/** The least time that contents stay in the old store: requests that have found them there may still be about to open them. */
const leastRestMs = 60_000

const batch = 500

export interface MoveProgress {
  /** Copied by this call, or found to be there. */
  blobs: number
  bytes: number
  /** As far as is known; pushes may add some. */
  blobsInAll: number
  bytesInAll: number
}

export interface MoveOptions {
  signal?: AbortSignal | undefined
  onProgress?: ((progress: MoveProgress) => void) | undefined
  /** Runs in the transaction of the switch. */
  onSwitch?: ((queries: Queries) => Promise<void>) | undefined
}

/**
 * Moves the content of a repository to another store while it is served. Everything is copied in rounds, each for what was pushed during the one before; then one
 * transaction, in which nothing is left to be copied, switches. Until then reads and pushes go to the old store, after it to the new one; a push that is just being
 * stored takes its bytes along. Broken off at any moment, it goes on where it was when called again. Contents of the old store are left to the collector.
 * Throws `unavailable` with their names when blobs of the old store are missing or damaged: nothing has been switched then.
 */
export async function moveContent(parts: ContentParts, move: Move, options: MoveOptions = {}): Promise<MoveProgress> {
  const { db, now, graceMs } = parts
  const { signal, onProgress = () => {}, onSwitch } = options
  const all = await countPending(db.queries, move, now() + marginMs)
  const progress: MoveProgress = { blobs: 0, bytes: 0, blobsInAll: all.blobs, bytesInAll: all.bytes }
  onProgress(progress)
  for (;;) {
    const broken = await copyRound(parts, move, progress, options)
    signal?.throwIfAborted()
    const switched = await db.transaction(async (tx) => {
      const done = await switchStore(tx, move, now() + marginMs, now() + Math.max(graceMs, leastRestMs))
      if (done) await onSwitch?.(tx)
      return done
    })
    if (switched) return progress
    const { repositoryId, from } = move
    const row = await db.queries
      .selectFrom('repositories')
      .select('blob_store')
      .where('id', '=', repositoryId)
      .executeTakeFirst()
    if (row?.blob_store !== from)
      throw new AppError('unavailable', 'the repository was moved by somebody else, or removed: look at it again')
    if (broken.length > 0) throw brokenBlobs(from, broken)
  }
}

/** Copies what is pending just now. Returns what could not be copied because the old store does not have it whole. */
async function copyRound(parts: ContentParts, move: Move, progress: MoveProgress, options: MoveOptions) {
  const { db, now } = parts
  const broken: string[] = []
  let last = ''
  for (;;) {
    const blobs = await pendingBlobs(db.queries, move, now() + marginMs, last, batch)
    for (const blob of blobs) {
      options.signal?.throwIfAborted()
      try {
        await bring(parts, move, blob, options.signal)
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'digest-invalid') throw error
        broken.push(error.message)
      }
      progress.blobs++
      progress.bytes += blob.size
      progress.blobsInAll = Math.max(progress.blobsInAll, progress.blobs)
      progress.bytesInAll = Math.max(progress.bytesInAll, progress.bytes)
      options.onProgress?.({ ...progress })
      last = blob.digest
    }
    if (blobs.length < batch) return broken
  }
}

/** Makes sure that the new store has the blob, live and leased. The order is that of `publish`: announced, written, looked at, made live. */
async function bring({ db, stores, now }: ContentParts, { from, to }: Move, blob: MovingBlob, signal?: AbortSignal) {
  const digest = blob.digest as Digest
  const { size } = blob
  const target = stores(to).driver
  const isWhole = async () => (await target.stat(blobKey(digest)))?.size === size
  const lease = () => now() + copiesKeptMs
  for (;;) {
    const state = await db.relaxed((tx) => reserveBlob(tx, { store: to, digest, size }, now(), lease()))
    if (state === 'deleting') {
      // A collector is just removing the same content.
      await sleep(50, undefined, signal ? { signal } : {})
      continue
    }
    if (!(state === 'live' && (await isWhole()))) await copyBlob(stores(from).driver, target, digest, signal)
    const isThere = await db.transaction(async (tx) => {
      if (!(await holdReserved(tx, to, digest)) || !(await isWhole())) return false
      if (state !== 'live') await publishBlob(tx, { store: to, digest, size }, lease())
      return (await holdLiveBlob(tx, to, digest, lease())) !== undefined
    })
    if (isThere) return
  }
}

function brokenBlobs(store: string, broken: string[]): AppError {
  const shown = broken.slice(0, 10).join('; ')
  const more = broken.length > 10 ? `; and ${broken.length - 10} more` : ''
  return new AppError(
    'unavailable',
    `nothing was switched: in blob store ${store} ${shown}${more}. Push the images of these again, or delete them, then move again`,
  )
}
