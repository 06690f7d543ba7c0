import { setTimeout as sleep } from 'node:timers/promises'
import { holdReserved, linkBlob, publishBlob, reserveBlob } from '../database/blobs.ts'
import { holdStoreOf } from '../database/repositories.ts'
import { closeUpload } from '../database/uploads.ts'
import { AppError } from '../errors.ts'
import type { ByteStream, StorageDriver } from '../storage/driver.ts'
import { blobKey } from './blob-store.ts'
import type { Admit, ContentParts, Place } from './content.ts'
import { copyBlob } from './copy-blob.ts'
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
  admit?: Admit | undefined
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
  const { upload, digest, size } = publication
  let { place } = publication
  const staging = stores(place.store).driver
  const key = blobKey(digest)
  /** The store that the staged bytes were put in. */
  let movedTo: string | undefined
  for (let attempt = 1; attempt <= 4; attempt++) {
    const { driver } = stores(place.store)
    const current = { ...publication, place }
    const { state, lease } = await reserve(parts, current)
    // Content that is there already is not written again, unless its file was lost or cut short: then this upload mends it.
    const present = state === 'live' && (await driver.stat(key))?.size === size
    const isFirst = movedTo !== place.store
    if (!present && isFirst) {
      if (movedTo === undefined && driver === staging) await driver.commit(upload, key)
      else if (movedTo !== undefined) await copyBlob(stores(movedTo).driver, driver, digest)
      else await driver.write(key, await stagedIn(staging, upload))
      movedTo = place.store
    }
    // Bytes that were moved under an earlier reservation may have gone with it.
    const sureUntil = present || isFirst ? lease - marginMs : 0
    const outcome = await makeVisible(parts, current, sureUntil)
    if (outcome === 'done') {
      if (movedTo !== publication.place.store) await staging.discard(upload)
      return
    }
    if (outcome !== 'gone') place = { ...place, store: outcome.store }
  }
  throw new AppError('unavailable', `${digest} took too long to store and was given up: push it again`)
}

async function stagedIn(driver: StorageDriver, upload: string): Promise<ByteStream> {
  const bytes = await driver.readStaged(upload)
  if (bytes) return bytes
  throw new AppError('unavailable', 'what was uploaded is gone: push it again')
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

/**
 * `gone`: the bytes are not in place (any more); until `sureUntil` nobody can have removed them, and they are not looked at. A store: the repository has moved
 * there meanwhile.
 */
function makeVisible({ db, stores, now, graceMs }: ContentParts, publication: Publication, sureUntil: number) {
  const { upload, holder, place, digest, size, admit } = publication
  const { driver } = stores(place.store)
  return db.transaction(async (tx): Promise<'done' | 'gone' | { store: string }> => {
    if (!(await holdReserved(tx, place.store, digest))) return 'gone'
    if (now() >= sureUntil && (await driver.stat(blobKey(digest)))?.size !== size) return 'gone'
    const store = await holdStoreOf(tx, place.repositoryId)
    if (store === undefined) throw new AppError('unavailable', 'the repository of this upload was removed')
    if (store !== place.store) return { store }
    await admit?.(tx, digest, size)
    await publishBlob(tx, { store: place.store, digest, size }, now() + graceMs)
    await linkBlob(tx, { ...place, digest }, now(), now() + graceMs)
    // Who lost the upload to another request cannot tell what has become of the bytes.
    if (!(await closeUpload(tx, upload, holder))) {
      throw new AppError('unavailable', 'another request took over this upload, or it was cancelled: try again')
    }
    return 'done'
  })
}
