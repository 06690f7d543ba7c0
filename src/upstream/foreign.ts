import { AppError } from '../errors.ts'
import type { ByteStream } from '../storage/driver.ts'
import { download, partOf } from './download.ts'
import { failure, statusFailure } from './failures.ts'
import type { Requests } from './requests.ts'
import type { Timing } from './settings.ts'

/** A layer that a manifest says lives elsewhere: image-spec, layer.md, "Non-Distributable Layers". */
export interface ForeignLayer {
  urls: readonly string[]
  /** Bytes, as the manifest says. */
  size: number
}

export interface ForeignBytes {
  size: number
  /** To be read once; whoever does checks the digest. Rejects with `upstream-failed` when there are more than `size`. */
  bytes: ByteStream
  /** Ends the transfer. */
  cancel(): void
}

/**
 * Opens the first URL of the layer that has it. Nobody's credentials are sent: the URLs are the word of whoever made the image. Undefined: none of them has it.
 * Throws what `Exchange` throws (`policy-refused` for a private address among others) when the last one to fail did so.
 */
export type Foreign = (layer: ForeignLayer, signal: AbortSignal) => Promise<ForeignBytes | undefined>

/** More than this many a manifest need not name. */
const mostUrls = 5

/** `requests` must refuse private addresses. */
export function createForeign(requests: Requests, timing: Timing): Foreign {
  async function open(url: URL, size: number, outer: AbortSignal): Promise<ForeignBytes | undefined> {
    const stop = new AbortController()
    const signal = AbortSignal.any([outer, stop.signal])
    const ask = async (offset: number) => {
      const headers = offset > 0 ? { range: `bytes=${offset}-` } : {}
      const answer = await requests({ url, method: 'GET', headers, verified: true, signal })
      if (answer.status === 200 || answer.status === 206) return partOf(answer)
      answer.abort()
      if (answer.status === 404 || answer.status === 410) return undefined
      throw statusFailure(answer.status, answer.headers, answer.place, 'a foreign layer')
    }
    const first = await ask(0)
    if (!first) return undefined
    const { place } = first.answer
    if (first.start !== 0 || (first.total ?? size) !== size) {
      stop.abort()
      throw failure('upstream-failed', place, `${place.host} has a layer of another size than the manifest says`)
    }
    const tooMany = () => failure('upstream-failed', place, `${place.host} sends more than the manifest says`)
    return {
      size,
      bytes: atMost(size, download(first, { from: 0, timing, signal, reopen: ask }), tooMany),
      cancel: () => stop.abort(),
    }
  }

  return async ({ urls, size }, signal) => {
    let trouble: AppError | undefined
    for (const url of urls.filter((one) => URL.canParse(one)).slice(0, mostUrls)) {
      try {
        const found = await open(new URL(url), size, signal)
        if (found) return found
      } catch (error) {
        if (!(error instanceof AppError) || signal.aborted) throw error
        trouble = error
      }
    }
    if (trouble) throw trouble
    return undefined
  }
}

async function* atMost(size: number, bytes: ByteStream, tooMany: () => AppError): AsyncGenerator<Uint8Array> {
  let left = size
  for await (const chunk of bytes) {
    left -= chunk.length
    if (left < 0) throw tooMany()
    yield chunk
  }
}
