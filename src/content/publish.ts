import { setTimeout as sleep } from 'node:timers/promises'
import { holdReserved, linkBlob, publishBlob, reserveBlob } from '../database/blobs.ts'
import { closeUpload } from '../database/uploads.ts'
import { AppError } from '../errors.ts'
import { blobKey } from './blob-store.ts'
import type { ContentParts, Place } from './content.ts'
import type { Digest } from './digest.ts'

/** The least time a reservation holds, however short the grace time is: the bytes must be moved into place meanwhile. */
const leastLeaseMs = 600_000
/** What clocks of several instances may differ by. */
const marginMs = 60_000
/** How long we wait for a collector that is just removing the same content. Not by the wall clock, which may be set. */
const patienceMs = 30_000

export interface Publication {
  upload: string
  /** The request that holds the upload, as its row names it. */
  holder: string | null
  place: Place
  digest: Digest
  /** Bytes. */
  size: number
}

/**
 * Turns verified staged bytes into a blob that can be pulled from the image. The order is the promise: reserve, put the bytes in place
 * (durable), then one transaction that makes them visible. A crash between any two steps leaves a reservation that the collector finds.
 *
 * That transaction holds the content and, when it comes late, looks at the bytes once more: it alone decides. Throws `unavailable` when the
 * reservation ran out meanwhile and the bytes were removed: nothing was stored then.
 */
export async function publish(parts: ContentParts, publication: Publication): Promise<void> {
  const { stores } = parts
  const { upload, place, digest, size } = publication
  const { driver } = stores(place.store)
  const key = blobKey(digest)
  let moved = false
  for (let attempt = 1; attempt <= 3; attempt++) {
    const { state, lease } = await reserve(parts, publication)
    // Content that is there already is not written again, unless its file was lost or cut short: then this upload mends it.
    const present = state === 'live' && (await driver.stat(key))?.size === size
    const isFirst = !moved
    if (!present && isFirst) {
      await driver.commit(upload, key)
      moved = true
    }
    // Bytes that were moved under an earlier reservation may have gone with it.
    const sureUntil = present || isFirst ? lease - marginMs : 0
    if (await makeVisible(parts, publication, sureUntil)) {
      if (!moved) await driver.discard(upload)
      return
    }
  }
  throw new AppError('unavailable', `${digest} took too long to store and was given up: push it again`)
}

/** Announces the content, once no collector is removing it. */
async function reserve({ db, now, graceMs }: ContentParts, { place, digest, size }: Publication) {
  const blob = { store: place.store, digest, size }
  const giveUp = performance.now() + patienceMs
  for (;;) {
    const lease = now() + Math.max(graceMs, leastLeaseMs)
    const state = await db.relaxed((tx) => reserveBlob(tx, blob, now(), lease))
    if (state !== 'deleting') return { state, lease }
    if (performance.now() > giveUp) {
      throw new AppError('unavailable', `${digest} is being removed and does not come free: try again`)
    }
    await sleep(20)
  }
}

/** False: the bytes are not in place (any more). Until `sureUntil` nobody can have removed them, and they are not looked at. */
function makeVisible({ db, stores, now, graceMs }: ContentParts, publication: Publication, sureUntil: number) {
  const { upload, holder, place, digest, size } = publication
  const { driver } = stores(place.store)
  return db.transaction(async (tx) => {
    if (!(await holdReserved(tx, place.store, digest))) return false
    if (now() >= sureUntil && (await driver.stat(blobKey(digest)))?.size !== size) return false
    await publishBlob(tx, { store: place.store, digest, size }, now() + graceMs)
    await linkBlob(tx, { ...place, digest }, now(), now() + graceMs)
    // Who lost the upload to another request cannot tell what has become of the bytes.
    if (!(await closeUpload(tx, upload, holder))) {
      throw new AppError('unavailable', 'another request took over this upload, or it was cancelled: try again')
    }
    return true
  })
}
