import { prepareFindBlobAmong } from '../database/among.ts'
import {
  findBlobHolders,
  holdLink,
  holdLiveBlob,
  isLive,
  isReferenced,
  type LinkedBlob,
  linkBlob,
  prepareFindBlob,
  renewLink,
  unlinkBlob,
} from '../database/blobs.ts'
import { holdStoreOf } from '../database/repositories.ts'
import { AppError } from '../errors.ts'
import type { ByteRange, ByteStream } from '../storage/driver.ts'
import type { Proxied } from '../telemetry/proxy-metrics.ts'
import { blobKey } from './blob-store.ts'
import type { Admit, ContentParts, Place } from './content.ts'
import type { Digest } from './digest.ts'

/** A blob that may be read: its size, and its bytes as a local file where there is one. */
export interface Blob {
  digest: Digest
  /** Bytes. */
  size: number
  localFile: string | undefined
  read(range?: ByteRange): Promise<ByteStream>
  /** Set by proxies: how they came by it. */
  proxied?: Proxied
}

export type Blobs = ReturnType<typeof createBlobs>

/** Blobs as an image sees them: only what is linked to it exists. */
export function createBlobs({ db, stores, now, graceMs }: ContentParts) {
  const findBlob = prepareFindBlob(db)
  const findBlobAmong = prepareFindBlobAmong(db)

  /** A linked blob, to be read. Undefined: with `renew`, that cannot be promised. */
  async function opened(found: LinkedBlob, digest: Digest, { renew = false }): Promise<Blob | undefined> {
    // Not the place's: the repository may have moved to another store since the caller looked.
    const { driver } = stores(found.store)
    const key = blobKey(digest)
    if (renew && (await driver.stat(key))?.size !== found.size) return undefined
    if (renew && found.leaseUntil < now() + graceMs / 2) {
      const kept = await db.relaxed((tx) => renewLink(tx, found.imageId, digest, now() + graceMs))
      if (!kept) return undefined
    }
    return {
      digest,
      size: found.size,
      localFile: driver.localFile?.(key),
      async read(range) {
        const bytes = await driver.read(key, range)
        if (bytes) return bytes
        throw new AppError('internal', `the bytes of ${digest} are missing from ${driver.description}`)
      },
    }
  }

  return {
    /**
     * The blob, undefined when it is not linked to the image. With `renew`, being told of it is a promise: it is kept for at least half the
     * grace time even if nothing references it, so that a push that skips the upload can finish; and its bytes are looked at, so that a push
     * that asks first brings content again whose file was lost.
     */
    async find(place: Place, digest: Digest, options: { renew?: boolean } = {}): Promise<Blob | undefined> {
      const found = await findBlob(place.repositoryId, place.image, digest, place.store)
      return found && opened(found, digest, options)
    },

    /** The same for the first of several repositories that has the image with this blob. One query. */
    async findAmong(
      repositoryIds: readonly number[],
      image: string,
      digest: Digest,
      options: { renew?: boolean } = {},
    ) {
      for (const found of await findBlobAmong(repositoryIds, image, digest)) {
        const blob = await opened(found, digest, options)
        if (blob) return blob
      }
      return undefined
    },

    /** Images (with their repositories) that could give this blob to a mount without `from`. At most `limit`. */
    holders: (store: string, digest: Digest, limit: number) => findBlobHolders(db.queries, store, digest, limit),

    /** Links a blob of one image to another one. False: the source does not have it, or keeps it in another store. Throws what `admit` throws. */
    async mount(from: Place, to: Place, digest: Digest, admit?: Admit): Promise<boolean> {
      const found = await findBlob(from.repositoryId, from.image, digest, from.store)
      if (found?.store !== to.store) return false
      return db.transaction(async (tx) => {
        const leaseUntil = now() + graceMs
        const size = await holdLiveBlob(tx, to.store, digest, leaseUntil)
        if (size === undefined || (await holdStoreOf(tx, to.repositoryId)) !== to.store) return false
        await admit?.(tx, digest, size)
        await linkBlob(tx, { ...to, digest }, now(), leaseUntil)
        return true
      })
    },

    /** Whether the store has the content, for whichever image. */
    isStored: (store: string, digest: Digest) => isLive(db.queries, store, digest),

    /** Links content that the store has to an image; the caller knows that the image may have it. False: the store does not have it. */
    async link(place: Place, digest: Digest): Promise<boolean> {
      const { driver } = stores(place.store)
      return db.transaction(async (tx) => {
        const leaseUntil = now() + graceMs
        const size = await holdLiveBlob(tx, place.store, digest, leaseUntil)
        if (size === undefined || (await driver.stat(blobKey(digest)))?.size !== size) return false
        if ((await holdStoreOf(tx, place.repositoryId)) !== place.store) return false
        await linkBlob(tx, { ...place, digest }, now(), leaseUntil)
        return true
      })
    },

    /**
     * Takes the blob out of the image; its bytes go when no image has it any more. False: it was not there.
     * Throws `method-unsupported` while a manifest of the image needs it: deleting it would break that manifest.
     */
    async remove(place: Place, digest: Digest): Promise<boolean> {
      const found = await findBlob(place.repositoryId, place.image, digest, place.store)
      if (!found) return false
      return db.transaction(async (tx) => {
        if (!(await holdLink(tx, found.imageId, digest))) return false
        if (await isReferenced(tx, found.imageId, digest)) {
          throw new AppError(
            'method-unsupported',
            'a manifest of this image references the blob: delete the manifest first',
            {
              detail: { digest },
            },
          )
        }
        const store = (await holdStoreOf(tx, place.repositoryId)) ?? found.store
        return unlinkBlob(tx, found.imageId, digest, store, now())
      })
    },
  }
}
