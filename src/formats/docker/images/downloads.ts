import type { BlobStores } from '../../../content/blob-store.ts'
import type { Blob, Blobs } from '../../../content/blobs.ts'
import type { Place } from '../../../content/content.ts'
import { algorithmOf, type Digest } from '../../../content/digest.ts'
import { createRunningHash } from '../../../content/running-hashes.ts'
import type { Uploads } from '../../../content/uploads.ts'
import { AppError } from '../../../errors.ts'
import type { ByteStream } from '../../../storage/driver.ts'
import type { Log } from '../../../telemetry/log.ts'
import { createGrowing } from './growing.ts'

/** Bytes from elsewhere. */
export interface Source {
  /** Who sends them, for messages. */
  name: string
  /** Of all of them; undefined when unknown. */
  size: number | undefined
  /** Chunks stay as they are. */
  bytes: ByteStream
  /** Told of each piece that came, in bytes. */
  arrived?(bytes: number): void
  /** For when they are not read after all. */
  cancel(): void
}

/** Undefined: it is not there. */
export type OpenSource = (signal: AbortSignal) => Promise<Source | undefined>

export interface Downloads {
  /** Whether the content is on its way into the store just now, for this place or for another. */
  running(place: Place, digest: Digest): 'here' | 'elsewhere' | undefined
  /**
   * The blob while it arrives: one download per store and digest, which all who ask share and which goes on when they leave. The caller knows that the place may
   * have it; with `apart` only this source can tell, and what is on its way for others is waited for and not shared. Undefined: the source has no such blob. Throws what the source throws until its first byte; after that readers of the blob do, and nothing is stored.
   */
  open(place: Place, digest: Digest, source: OpenSource, options?: { apart?: boolean }): Promise<Blob | undefined>
  /** Breaks off what is on its way and waits until nothing of it is left. */
  close(): Promise<void>
}

interface Running {
  places: Set<string>
  /** Resolves once the source answers; `stored` once the blob can be pulled from the place it was begun for. */
  begun: Promise<{ blob: Blob | undefined; stored: Promise<void> } | undefined>
}

export interface DownloadParts {
  blobs: Blobs
  uploads: Uploads
  stores: BlobStores
  log: Log
}

/** Bytes that may wait in memory for a store that is slower than the network, by all downloads together; and what each may have at least. */
const aheadBytes = 8 << 20
const leastAheadBytes = 256 << 10

/** Downloads into blob stores: staged while they arrive, verified, and published like an upload. */
export function createDownloads({ blobs, uploads, stores, log }: DownloadParts): Downloads {
  const all = new Map<string, Running>()
  /** Also those that failed and are still being cleaned up, which nobody can join any more. */
  const ending = new Set<Promise<void>>()
  const closing = new AbortController()
  const keyOf = (place: Place, digest: Digest) => `${place.store} ${digest}`
  const placeKey = ({ repositoryId, image }: Place) => `${repositoryId} ${image}`

  async function begin(place: Place, digest: Digest, open: OpenSource) {
    closing.signal.throwIfAborted()
    // Another download may have ended since the caller looked.
    const known = await blobs.find(place, digest)
    if (known) return { blob: known, stored: Promise.resolve() }
    const source = await open(closing.signal)
    if (!source) return undefined
    const upload = await uploads.start(place, algorithmOf(digest)).catch((error) => {
      source.cancel()
      throw error
    })
    const { driver } = stores(place.store)
    const published = async () => {
      const found = await blobs.find(place, digest)
      if (found) return found
      throw new AppError('unavailable', `${digest} was removed while it was read: try again`)
    }
    const growing = createGrowing({
      size: source.size,
      staged: (offset) => driver.readStaged(upload.id, { offset }),
      stored: async (range) => (await published()).read(range),
      aheadBytes: () => Math.max(leastAheadBytes, aheadBytes / all.size),
    })
    const hash = createRunningHash(algorithmOf(digest))
    /** Ends the download when the server stops; not once all is here, because clients were told that it is. */
    const giveUp = new AbortController()
    let isVerified = false
    const stop = () => {
      if (!isVerified) giveUp.abort(closing.signal.reason)
    }
    closing.signal.addEventListener('abort', stop, { once: true })

    /** Readers are served and the bytes are checked as they come, however far behind the store is. */
    async function receive(): Promise<void> {
      try {
        for await (const piece of source!.bytes) {
          source!.arrived?.(piece.length)
          hash.update(piece)
          await growing.add(piece)
        }
        isVerified = hash.digest() === digest
        growing.complete(isVerified)
      } catch (error) {
        growing.broken(error)
      }
    }

    async function store(): Promise<void> {
      try {
        void receive()
        await uploads.finish(upload, digest, {
          bytes: growing.pieces(),
          lasting: true,
          hash,
          signal: giveUp.signal,
        })
        growing.end()
      } catch (error) {
        const cause = trueCause(error, source!.name, digest)
        all.delete(keyOf(place, digest))
        growing.end(cause)
        source!.cancel()
        log.warn('download of a blob broke off; nothing was stored', { digest, source: source!.name, error: cause })
        // Whatever cannot be removed now is removed as abandoned later.
        await uploads.cancel(upload).catch(() => undefined)
        throw cause
      } finally {
        closing.signal.removeEventListener('abort', stop)
      }
    }

    const stored = store()
    // The readers are told; without any there is nobody to tell.
    ending.add(stored)
    stored.catch(() => undefined).finally(() => ending.delete(stored))
    const { size } = source
    const blob: Blob | undefined =
      size === undefined
        ? undefined
        : { digest, size, localFile: undefined, read: async (range) => growing.read(range) }
    return { blob, stored }
  }

  function start(place: Place, digest: Digest, open: OpenSource): Running {
    const key = keyOf(place, digest)
    const begun = begin(place, digest, open)
    const running: Running = { places: new Set([placeKey(place)]), begun }
    all.set(key, running)
    begun
      .then((download) => download?.stored)
      .catch(() => undefined)
      .finally(() => {
        if (all.get(key) === running) all.delete(key)
      })
    return running
  }

  return {
    running(place, digest) {
      const found = all.get(keyOf(place, digest))
      return found && (found.places.has(placeKey(place)) ? 'here' : 'elsewhere')
    },

    async open(place, digest, open, { apart = false } = {}) {
      const known = all.get(keyOf(place, digest))
      if (known && !known.places.has(placeKey(place))) {
        // Begun for another image. That it fails there says nothing about here.
        const download = await known.begun.catch(() => undefined)
        if (apart) await download?.stored.catch(() => undefined)
        if (!download || apart) return this.open(place, digest, open, { apart })
        if (!known.places.has(placeKey(place))) {
          known.places.add(placeKey(place))
          download.stored
            .then(() => blobs.link(place, digest))
            .catch((error) => log.debug('a shared download was not linked', { digest, error }))
        }
      }
      const download = await (known ?? start(place, digest, open)).begun
      if (!download) return undefined
      if (download.blob) return download.blob
      // Without its size no answer can begin.
      await download.stored
      if (!(await blobs.find(place, digest))) await blobs.link(place, digest)
      return blobs.find(place, digest)
    },

    async close() {
      closing.abort(new AppError('unavailable', 'the registry is stopping'))
      await Promise.allSettled([...all.values()].map(({ begun }) => begun))
      await Promise.allSettled(ending)
    },
  }
}

/** Bytes that are not those of the digest are the sender's fault, not the client's. */
function trueCause(error: unknown, sender: string, digest: Digest): unknown {
  if (!(error instanceof AppError) || error.code !== 'digest-invalid') return error
  return new AppError('upstream-failed', `upstream ${sender} sent other bytes than those of ${digest}`, {
    cause: error,
    detail: error.detail,
  })
}
