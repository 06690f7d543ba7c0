import { setTimeout as sleep } from 'node:timers/promises'
import { linkBlob, publishBlob, reserveBlob } from '../database/blobs.ts'
import { deleteUpload } from '../database/uploads.ts'
import { AppError } from '../errors.ts'
import { blobKey } from './blob-store.ts'
import type { ContentParts, Place } from './content.ts'
import type { Digest } from './digest.ts'

/** The least time a reservation holds, however short the grace time is: the bytes must be moved into place meanwhile. */
const leastLeaseMs = 600_000
/** How long we wait for a collector that is just removing the same content. */
const patienceMs = 30_000

/**
 * Turns verified staged bytes into a blob that can be pulled from the image. The order is the promise: reserve, put the bytes in place
 * (durable), then one transaction that makes them visible. A crash between any two steps leaves a reservation that the collector finds.
 */
export async function publish(
  { db, stores, now, graceMs }: ContentParts,
  { upload, place, digest, size }: { upload: string; place: Place; digest: Digest; size: number },
): Promise<void> {
  const { driver } = stores(place.store)
  const blob = { store: place.store, digest, size }
  const lease = () => now() + Math.max(graceMs, leastLeaseMs)

  const giveUp = now() + patienceMs
  let state = await db.relaxed((tx) => reserveBlob(tx, blob, now(), lease()))
  while (state === 'deleting') {
    if (now() > giveUp)
      throw new AppError('unavailable', `${digest} is being removed and does not come free; try again`)
    await sleep(20)
    state = await db.relaxed((tx) => reserveBlob(tx, blob, now(), lease()))
  }

  // Content that is there already is not written again, unless its file was lost or damaged: then this upload mends it.
  const present = state === 'live' && (await driver.stat(blobKey(digest)))?.size === size
  if (!present) await driver.commit(upload, blobKey(digest))
  await db.transaction(async (tx) => {
    if (!(await publishBlob(tx, blob, now(), now() + graceMs))) {
      throw new AppError('unavailable', `${digest} took too long to store and was given up; push it again`)
    }
    await linkBlob(tx, { ...place, digest }, now(), now() + graceMs)
    await deleteUpload(tx, upload)
  })
  if (present) await driver.discard(upload)
}
