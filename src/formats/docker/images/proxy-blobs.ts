import type { Blob, Blobs } from '../../../content/blobs.ts'
import type { Place } from '../../../content/content.ts'
import type { Digest } from '../../../content/digest.ts'
import { AppError } from '../../../errors.ts'
import type { Upstream } from '../../../upstream/upstream.ts'
import type { Absences } from './absences.ts'
import type { Downloads, Source } from './downloads.ts'
import { createFlights } from './flights.ts'
import type { ForeignLayers } from './foreign-layers.ts'
import type { ProxyEvents } from './proxy-events.ts'

export interface ProxyBlobParts {
  blobs: Blobs
  downloads: Downloads
  upstream: Upstream
  absences: Absences
  events: ProxyEvents
  /** Where we fetch layers that live elsewhere; undefined: the client does. */
  foreign: ForeignLayers | undefined
}

/**
 * Finds the blobs of one proxy repository: linked ones as they are, others from the upstream. What the store has for another image is taken from there once the
 * upstream says that this image has it, too: otherwise one image's content could be had through another's name.
 */
export function createProxyBlobs({ blobs, downloads, upstream, absences, events, foreign }: ProxyBlobParts) {
  const questions = createFlights<{ size: number | undefined } | undefined>()

  async function source(place: Place, digest: Digest, signal: AbortSignal): Promise<Source | undefined> {
    // The digest is checked where it is stored.
    const arrived = (count: number) => events.fetched('blob', count)
    const found = await upstream.blob(place.image, digest, { verify: false, signal })
    if (found) return { name: upstream.name, size: found.size, bytes: found.bytes, arrived, cancel: found.cancel }
    const elsewhere = await foreign?.open(place, digest, signal)
    return elsewhere && { ...elsewhere, arrived }
  }

  function absent(key: string): undefined {
    absences.add(key)
    events.absent('blob', key)
  }

  return async function find(place: Place, digest: Digest, options: { renew?: boolean }): Promise<Blob | undefined> {
    const { image, store } = place
    const key = `blob ${image} ${digest}`
    const cached = await blobs.find(place, digest, options)
    if (cached) {
      events.hit('blob', key)
      return events.marked('blob', 'hit', cached)
    }
    if (absences.has(key)) return events.absent('blob', key)
    // An image may say of any content that it lives elsewhere: only fetching it from there shows that this is so.
    let apart = false
    const open = () => downloads.open(place, digest, (signal) => source(place, digest, signal), { apart })

    return events.watching('blob', key, async () => {
      if (downloads.running(place, digest) !== 'here') {
        const isNear = downloads.running(place, digest) !== undefined || (await blobs.isStored(store, digest))
        if (isNear || options.renew) {
          const told = await questions.share(key, () => upstream.blobInfo(image, digest))
          const elsewhere = told ? undefined : await foreign?.find(place, digest)
          if (!told && !elsewhere) return absent(key)
          apart = elsewhere !== undefined
          const linked = told && (await blobs.link(place, digest)) ? await blobs.find(place, digest) : undefined
          if (linked) {
            events.hit('blob', key)
            return events.marked('blob', 'hit', linked)
          }
          const size = told ? told.size : elsewhere?.size
          if (options.renew && size !== undefined) return events.marked('blob', 'miss', later(digest, size, open))
        }
      }
      const blob = await open()
      if (!blob) return absent(key)
      events.miss('blob', key)
      return events.marked('blob', 'miss', blob)
    })
  }
}

/** A blob of which only the size is asked for so far. */
function later(digest: Digest, size: number, open: () => Promise<Blob | undefined>): Blob {
  return {
    digest,
    size,
    localFile: undefined,
    async read(range) {
      const blob = await open()
      if (blob) return blob.read(range)
      throw new AppError('blob-unknown', 'the blob went away at the upstream', { detail: { digest } })
    },
  }
}
