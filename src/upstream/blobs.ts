import type { createHasher, Digest } from '../content/digest.ts'
import type { ByteStream } from '../storage/driver.ts'
import type { ApiRequest, Client } from './client.ts'
import { download, partOf } from './download.ts'
import type { Answer } from './exchange.ts'
import { failure } from './failures.ts'
import type { Timing } from './settings.ts'
import type { Bandwidth, Gate } from './throttle.ts'
import { verified } from './verify.ts'

export interface BlobOptions {
  /** Begin at this byte. */
  from?: number | undefined
  /** Has taken in the bytes before `from`; without it, what begins in the middle is not verified. */
  hasher?: ReturnType<typeof createHasher> | undefined
  /** False when the receiver checks the digest itself; hashing twice costs. Default true. */
  verify?: boolean | undefined
  signal?: AbortSignal | undefined
}

export interface UpstreamBlob {
  /** Of the whole blob; undefined when the upstream does not tell. */
  size: number | undefined
  /** Where `bytes` begins. */
  start: number
  /** To be read once. Goes on by range when the transfer breaks. Rejects with `upstream-failed` before the last chunk when the bytes are not those of the digest. */
  bytes: ByteStream
  /** For a blob that is not read after all; ends the transfer. */
  cancel(): void
}

export interface BlobsParts {
  client: Client
  timing: Timing
  canonical(image: string): string
  scopeOf(image: string): string
  /** What all downloads share, where there are limits. */
  bandwidth: Bandwidth | undefined
  gate: Gate | undefined
}

/** Makes `Upstream.blob`. */
export function createBlobs({ client, timing, canonical, scopeOf, bandwidth, gate }: BlobsParts) {
  async function open(
    request: (offset: number) => ApiRequest & { signal: AbortSignal },
    digest: Digest,
    { from = 0, hasher, verify = true }: BlobOptions,
    onEnd: () => void,
  ): Promise<Omit<UpstreamBlob, 'cancel'> | undefined> {
    const { signal, ...asked } = request(from)
    const answer = await client.ask({ ...asked, signal })
    if (!answer) return undefined
    if (answer.status === 416) return nothingLeft(answer, from, digest)
    const first = partOf(answer)
    const { upstream, host } = answer.place
    if (first.start > from) {
      answer.abort()
      throw failure('upstream-failed', answer.place, `${host} sent a blob from byte ${first.start} instead of ${from}`)
    }

    const reopen = async (offset: number) => {
      const next = await client.goOn(request(offset))
      if (next?.status !== 416) return next && partOf(next)
      next.abort()
      throw failure('upstream-failed', next.place, `${next.place.host} has no byte ${offset} of ${digest}`, {
        detail: { another: true },
      })
    }
    const pace = bandwidth && ((bytes: number) => bandwidth.take(bytes, signal))
    const raw = download(first, { from, timing, signal, reopen, pace, onBroken: client.broken, onEnd })
    const { total: size } = first
    const canVerify = from === 0 || hasher !== undefined
    const bytes =
      verify && canVerify ? verified(raw, digest, { size, hasher, start: from, from: `upstream ${upstream}` }) : raw
    return { size, start: from, bytes }
  }

  return async (image: string, digest: Digest, options: BlobOptions = {}): Promise<UpstreamBlob | undefined> => {
    const stop = new AbortController()
    const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
    const request = (offset: number) => ({
      path: `/v2/${canonical(image)}/blobs/${digest}`,
      headers: (offset > 0 ? { range: `bytes=${offset}-` } : {}) as Record<string, string>,
      scope: scopeOf(image),
      kind: 'blobs' as const,
      what: `blob ${digest} of ${canonical(image)}`,
      verified: true,
      signal,
    })
    const leave = (await gate?.enter(signal)) ?? (() => {})
    signal.addEventListener('abort', leave, { once: true })
    const found = await open(request, digest, options, leave).catch((error) => {
      leave()
      throw error
    })
    if (!found || found.size === found.start) leave()
    return found && { ...found, cancel: () => stop.abort() }
  }
}

/** All that there is was there already: `Content-Range: bytes *\/SIZE` says whether. */
function nothingLeft(answer: Answer, from: number, digest: Digest) {
  answer.abort()
  const size = /^bytes \*\/(\d+)$/.exec(answer.headers.get('content-range') ?? '')?.[1]
  if (Number(size) === from) return { size: from, start: from, bytes: nothing() }
  throw failure('upstream-failed', answer.place, `${answer.place.host} has no byte ${from} of ${digest}`, {
    detail: { size },
  })
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
