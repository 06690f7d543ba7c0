import type { Blob, Blobs } from '../../../content/blobs.ts'
import type { Place } from '../../../content/content.ts'
import type { Digest } from '../../../content/digest.ts'
import { AppError } from '../../../errors.ts'
import type { Upstream } from '../../../upstream/upstream.ts'
import type { Absences } from './absences.ts'
import type { Downloads, Source } from './downloads.ts'
import { createFlights } from './flights.ts'
import type { ProxyEvents } from './proxy-events.ts'

export interface ProxyBlobParts {
  blobs: Blobs
  downloads: Downloads
  upstream: Upstream
  absences: Absences
  events: ProxyEvents
}

/**
 * Finds the blobs of one proxy repository: linked ones as they are, others from the upstream. What the store has for another image is taken from there once the
 * upstream says that this image has it, too: otherwise one image's content could be had through another's name.
 */
export function createProxyBlobs({ blobs, downloads, upstream, absences, events }: ProxyBlobParts) {
  const questions = createFlights<{ size: number | undefined } | undefined>()

  async function source(image: string, digest: Digest, signal: AbortSignal): Promise<Source | undefined> {
    // The digest is checked where it is stored.
    const found = await upstream.blob(image, digest, { verify: false, signal })
    return found && { name: upstream.name, size: found.size, bytes: found.bytes, cancel: found.cancel }
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
      return cached
    }
    if (absences.has(key)) return events.absent('blob', key)
    const open = () => downloads.open(place, digest, (signal) => source(image, digest, signal))

    return events.watching('blob', key, async () => {
      if (downloads.running(place, digest) !== 'here') {
        const isNear = downloads.running(place, digest) !== undefined || (await blobs.isStored(store, digest))
        if (isNear || options.renew) {
          const told = await questions.share(key, () => upstream.blobInfo(image, digest))
          if (!told) return absent(key)
          if (await blobs.link(place, digest)) return blobs.find(place, digest)
          if (options.renew && told.size !== undefined) return later(digest, told.size, open)
        }
      }
      const blob = await open()
      if (!blob) return absent(key)
      events.miss('blob', key)
      return blob
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
