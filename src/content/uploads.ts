import { randomUUID } from 'node:crypto'
import {
  abandonedUploads,
  deleteAbandoned,
  deleteUpload,
  findUpload,
  insertUpload,
  touchUpload,
  type UploadRow,
} from '../database/uploads.ts'
import { AppError } from '../errors.ts'
import type { ByteStream } from '../storage/driver.ts'
import type { Admit, ContentParts, Place } from './content.ts'
import { algorithmOf, type Digest, type DigestAlgorithm } from './digest.ts'
import { type Claim, createHolds } from './holds.ts'
import { publish } from './publish.ts'
import { createRunningHash, createRunningHashes, type RunningHash } from './running-hashes.ts'

const uploadId = /^[0-9a-f]{8}-[0-9a-f]{4}-/
/** How long staged bytes that are no upload are left alone. */
const strangersMs = 3_600_000
/** How often an upload that goes on says so, for the purge. */
const signOfLifeMs = 60_000

export interface Upload {
  id: string
  place: Place
  /** Bytes staged so far. */
  size: number
  /** When it was last known to go on. */
  updatedAt: number
}

export interface Chunk {
  /** Absent: the request has no body. */
  bytes?: ByteStream
  /** Where the client says its bytes belong, and how many it announces. Undefined: after what is there. */
  range?: { start: number; length: number } | undefined
  /** Takes in exactly these bytes, all of them by the time they end, and is asked for nothing else: they are not hashed here again. For a new upload. */
  hash?: RunningHash
  /** Chunks of `bytes` stay as they are after the next is asked for. */
  lasting?: boolean
  signal?: AbortSignal
}

/** An upload while one request has it for itself. */
type HeldUpload = Upload & Claim

export interface UploadsOptions {
  /** How long a request waits for another one on the same upload to end, in milliseconds. */
  patienceMs?: number
}

export type Uploads = ReturnType<typeof createUploads>

/**
 * Uploads in progress. The session is a row, the bytes are staged in the blob store: any instance can go on with it, also after a crash.
 * Only the state of the hash stays with the process; whoever lacks it reads the staged bytes again.
 */
export function createUploads(parts: ContentParts, options: UploadsOptions = {}) {
  const { db, stores, now } = parts
  const hashes = createRunningHashes()
  const holds = createHolds(parts, options)

  async function open(row: UploadRow): Promise<Upload> {
    const place = { repositoryId: row.repository_id, image: row.image, store: row.store }
    return {
      id: row.id,
      place,
      size: (await stores(row.store).driver.stagedSize(row.id)) ?? 0,
      updatedAt: row.updated_at,
    }
  }

  /** Runs `work` on the upload as it is now, while no other request, on any instance, touches it. */
  async function holding<T>(upload: Upload, work: (held: HeldUpload) => Promise<T>): Promise<T> {
    const { driver } = stores(upload.place.store)
    const outcome = await holds.hold(upload.id, async (claim) => {
      if (upload.updatedAt < now() - signOfLifeMs) await db.relaxed((tx) => touchUpload(tx, upload.id, now()))
      return work({ ...upload, ...claim, size: (await driver.stagedSize(upload.id)) ?? 0 })
    })
    if (outcome === 'gone') throw unknownUpload()
    if (outcome === 'busy') {
      const size = (await driver.stagedSize(upload.id)) ?? 0
      throw outOfOrder('another request is still writing to this upload', size)
    }
    return outcome.done
  }

  /** Adds a chunk to what is staged. Chunks come in order: distribution-spec, "Pushing a blob in chunks". */
  async function append(
    upload: HeldUpload,
    { bytes, range, hash, lasting = false, signal }: Chunk,
    algorithm?: DigestAlgorithm,
  ): Promise<number> {
    if (range && range.start !== upload.size) throw outOfOrder(`the chunk starts at ${range.start}`, upload.size)
    const { driver } = stores(upload.place.store)
    const hashing = hash ?? hashes.take(upload.id, upload.writer, upload.size, algorithm)
    let arrived = 0
    const counted = (async function* () {
      for await (const chunk of bytes ?? nothing()) {
        if (!hash) hashing?.update(chunk)
        arrived += chunk.length
        yield chunk
      }
    })()
    // The request that closes an upload after its last chunk brings nothing. (One without any bytes is still to be staged.)
    const isClosing = !bytes && upload.size > 0
    const size = isClosing
      ? upload.size
      : await driver.append(upload.id, upload.size, counted, { lasting, ...(signal && { signal }) })
    if (range && arrived !== range.length) {
      await rollBack(upload)
      throw new AppError('size-invalid', `Content-Range announces ${range.length} bytes, ${arrived} came`, {
        detail: { announced: range.length, received: arrived },
      })
    }
    await upload.keep()
    if (hashing) hashes.keep(upload.id, upload.holder, size, hashing)
    return size
  }

  /** Makes the upload what it was before this request. */
  async function rollBack(upload: HeldUpload): Promise<void> {
    await upload.keep()
    await stores(upload.place.store).driver.append(upload.id, upload.size, nothing())
  }

  async function digestOfStaged(upload: HeldUpload, size: number, algorithm: DigestAlgorithm): Promise<Digest> {
    const running = hashes.take(upload.id, upload.holder, size, algorithm) ?? createRunningHash(algorithm)
    if (running.size !== size) {
      const staged = await stores(upload.place.store).driver.readStaged(upload.id)
      for await (const chunk of staged ?? []) running.update(chunk)
    }
    return running.digest()
  }

  /** The row first: from then on nobody takes it up again. A crash in between leaves bytes for the sweep. */
  async function remove(upload: Upload): Promise<void> {
    await db.relaxed((tx) => deleteUpload(tx, upload.id))
    hashes.forget(upload.id)
    await stores(upload.place.store).driver.discard(upload.id)
  }

  return {
    /** `algorithm` says which digest the client will ask for, where it told: the bytes are hashed with it as they come. */
    async start(place: Place, algorithm: DigestAlgorithm = 'sha256'): Promise<Upload> {
      const id = randomUUID()
      if (algorithm !== 'sha256') hashes.keep(id, null, 0, createRunningHash(algorithm))
      await db.relaxed((tx) =>
        insertUpload(tx, {
          id,
          repository_id: place.repositoryId,
          image: place.image,
          store: place.store,
          started_at: now(),
          updated_at: now(),
          holder: null,
          held_until: 0,
        }),
      )
      return { id, place, size: 0, updatedAt: now() }
    },

    /** Undefined for an unknown id, and for one that belongs to another image. */
    async find(place: Place, id: string): Promise<Upload | undefined> {
      const row = await findUpload(db.queries, id)
      if (!row || row.repository_id !== place.repositoryId || row.image !== place.image) return undefined
      return open(row)
    },

    /** Adds a chunk and returns the new size. When the client breaks off, what arrived stays. */
    append: (upload: Upload, chunk: Chunk): Promise<number> => holding(upload, (current) => append(current, chunk)),

    /**
     * Adds the last chunk, compares, and links the blob to the image: durable once resolved. When the client breaks off, the upload is what it
     * was before the request. `admit` may refuse them by throwing; the upload is then gone, too. Throws `digest-invalid` when the bytes are not what the client
     * says; the upload is then gone.
     */
    finish: (upload: Upload, digest: Digest, chunk: Chunk, admit?: Admit): Promise<void> =>
      holding(upload, async (before) => {
        const algorithm = algorithmOf(digest)
        const size = await append(before, chunk, algorithm).catch(async (error) => {
          // A client that lost its connection within the closing PUT sends the same PUT again, from its first byte. Should
          // the rollback fail too, the first error is the one to tell, and the true size stays readable.
          await rollBack(before).catch(() => undefined)
          throw error
        })
        const found = await digestOfStaged(before, size, algorithm)
        // Reading it all again may have taken long.
        await before.keep()
        if (found !== digest) {
          await remove(before)
          throw new AppError('digest-invalid', 'the bytes that arrived have another digest', {
            detail: { expected: digest, received: found, size },
          })
        }
        // Asked once more when it counts; here, so that nothing that is refused is put among the blobs.
        await (admit && db.transaction((tx) => admit(tx, digest, size)))?.catch(async (error) => {
          await remove(before)
          throw error
        })
        await publish(parts, { upload: before.id, holder: before.holder, place: before.place, digest, size, admit })
      }),

    cancel: remove,

    /** Removes uploads nobody has written to for `ageMs`, or only counts them; in all repositories, or in some. Returns how many. */
    async purge(
      ageMs: number,
      { dryRun = false, repositories }: { dryRun?: boolean; repositories?: number[] } = {},
    ): Promise<number> {
      const rows = await abandonedUploads(db.queries, now() - ageMs, now(), repositories)
      const idle = rows.filter(({ id }) => !holds.isHeldHere(id))
      if (dryRun) return idle.length
      let purged = 0
      for (const row of idle) {
        if (!(await db.relaxed((tx) => deleteAbandoned(tx, row)))) continue
        hashes.forget(row.id)
        await stores(row.store).driver.discard(row.id)
        purged++
      }
      return purged
    },

    /** Removes staged bytes that belong to no upload: what a crash has left in a store. Returns how many uploads they were. */
    async sweep(store: string): Promise<number> {
      const { driver } = stores(store)
      let swept = 0
      for await (const { id, modifiedAt } of driver.staged()) {
        // What is no upload is something the driver, here or on another instance, may be writing just now.
        if (!uploadId.test(id) && now() - modifiedAt.getTime() < strangersMs) continue
        if (await findUpload(db.queries, id)) continue
        await driver.discard(id)
        swept++
      }
      return swept
    },
  }
}

async function* nothing(): ByteStream {}

export function unknownUpload(): AppError {
  return new AppError(
    'upload-unknown',
    'there is no such upload: it was finished, cancelled or has expired; start again',
  )
}

/** 416 with the true state, so that a client can go on from it. `Range` cannot say "nothing yet" and is left out then. */
function outOfOrder(problem: string, size: number): AppError {
  return new AppError('range-invalid', `${problem}; the upload has ${size} bytes`, {
    detail: { offset: size },
    headers: size > 0 ? { range: `0-${size - 1}` } : {},
  })
}
