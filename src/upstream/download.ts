import { AppError } from '../errors.ts'
import { pause } from './abort.ts'
import { bodyOf } from './body.ts'
import type { Answer } from './exchange.ts'
import { failure } from './failures.ts'
import type { Timing } from './settings.ts'

/** One answer with bytes of a blob. */
export interface Part {
  answer: Answer
  /** Where in the blob its body begins. */
  start: number
  /** Size of the whole blob; undefined when the answer does not tell. */
  total: number | undefined
  /** A strong entity tag. */
  etag: string | undefined
}

export interface DownloadOptions {
  from: number
  timing: Timing
  signal?: AbortSignal | undefined
  /** Told of all bytes as they come, and waited for. */
  pace?: ((bytes: number) => Promise<void>) | undefined
  /** Asks for the rest. Undefined: it is no longer there. */
  reopen(from: number): Promise<Part | undefined>
  /** A breach that could not be mended. */
  onBroken?(error: AppError): void
  /** Nothing more is transferred, however it ended. */
  onEnd?(): void
}

/** So much progress makes up for a breach. */
const goodProgress = 1 << 20

/** Reads where a body begins and how much there is in all: RFC 9110, section 14.4. Throws `upstream-failed` for a 206 that does not say so. */
export function partOf(answer: Answer): Part {
  const { headers, status, place } = answer
  const etag = /^"[^"]*"$/.test(headers.get('etag') ?? '') ? headers.get('etag')! : undefined
  if (status !== 206) {
    const length = headers.get('content-length')
    return { answer, start: 0, total: length !== null && /^\d+$/.test(length) ? Number(length) : undefined, etag }
  }
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '')
  if (!range) {
    answer.abort()
    throw failure('upstream-failed', place, `${place.host} sent part of a blob without saying which`)
  }
  return { answer, start: Number(range[1]), total: range[3] === '*' ? undefined : Number(range[3]), etag }
}

/**
 * The bytes from `from` on. When the transfer breaks or stalls, the rest is asked for by range; an upstream that sends all again has the bytes that were
 * passed on already skipped. Throws the last error when there is no progress, `upstream-failed` when the blob is not the same one any more.
 */
export async function* download(first: Part, options: DownloadOptions): AsyncGenerator<Uint8Array> {
  const { from, timing, signal, reopen, pace, onBroken } = options
  let part: Part | undefined = first
  let last = first
  let breach: AppError | undefined
  let breaches = 0
  let offset = from
  let mark = from
  try {
    for (;;) {
      try {
        part ??= await takeUp()
        last = part
        let skip = offset - part.start
        for await (const chunk of bodyOf(part.answer, timing.idleMs)) {
          if (pace) await pace(chunk.length)
          const fresh = skip > 0 ? chunk.subarray(Math.min(skip, chunk.length)) : chunk
          skip -= chunk.length - fresh.length
          offset += fresh.length
          if (fresh.length > 0) yield fresh
        }
        const { place } = part.answer
        if (first.total === undefined || offset >= first.total) return
        throw failure('upstream-failed', place, `${place.host} sent ${offset} of ${first.total} bytes`)
      } catch (error) {
        if (!isBreach(error)) throw error
        if (offset - mark >= goodProgress) {
          breaches = 0
          mark = offset
        }
        breach = error
        part = undefined
        if (isAnother(error) || ++breaches > timing.resumes) throw error
      }
    }
  } catch (error) {
    if (isBreach(error)) onBroken?.(error)
    throw error
  } finally {
    last.answer.abort()
    options.onEnd?.()
  }

  async function takeUp(): Promise<Part> {
    await pause(timing.retryDelayMs * 2 ** (breaches - 1), signal)
    const next = await reopen(offset)
    if (!next)
      throw new AppError('blob-unknown', 'the blob went away at the upstream while it was read', { cause: breach })
    const { place } = next.answer
    const isSame = next.start <= offset && (next.total ?? first.total) === (first.total ?? next.total)
    if (isSame && (first.etag === undefined || next.etag === undefined || first.etag === next.etag)) return next
    next.answer.abort()
    throw failure(
      'upstream-failed',
      place,
      `${place.host} had another blob when the broken download was taken up again`,
      {
        cause: breach,
        detail: { another: true },
      },
    )
  }
}

/** It will not become the same again. */
function isAnother({ detail }: AppError): boolean {
  return typeof detail === 'object' && detail !== null && 'another' in detail
}

function isBreach(error: unknown): error is AppError {
  return error instanceof AppError && (error.code === 'upstream-failed' || error.code === 'upstream-timeout')
}
