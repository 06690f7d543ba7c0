import { AppError } from '../errors.ts'
import type { ByteStream } from '../storage/driver.ts'
import type { Answer } from './exchange.ts'
import { connectionFailure, failure } from './failures.ts'

/**
 * The body as it arrives, pulled by the consumer. Throws `upstream-timeout` when one chunk takes longer than `idleMs` (the time the consumer takes does not
 * count), `upstream-failed` when the transfer breaks. Giving up early ends the transfer.
 */
export async function* bodyOf(answer: Answer, idleMs: number): ByteStream & AsyncGenerator<Uint8Array> {
  if (!answer.body) return
  const reader = answer.body.getReader()
  const silence = watchSilence(answer, idleMs)
  const onBreak = (error: unknown) => {
    throw silence.broken() ?? bodyError(error, answer)
  }
  let isFinished = false
  try {
    for (;;) {
      silence.begins()
      const { done, value } = await reader.read().catch(onBreak)
      silence.ends()
      if (done) break
      yield value
    }
    isFinished = true
  } finally {
    silence.close()
    if (!isFinished) answer.abort()
  }
}

/** Aborts the answer when a read takes longer than `idleMs`. One timer for many reads, which come by the thousand: when it is due, it looks how long the present one has lasted. */
function watchSilence(answer: Answer, idleMs: number) {
  let since: number | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let late: AppError | undefined

  function look(): void {
    timer = undefined
    if (since === undefined) return
    const left = since + idleMs - performance.now()
    if (left > 0) {
      timer = setTimeout(look, left)
      return
    }
    late = failure('upstream-timeout', answer.place, `${answer.place.host} sent nothing for ${idleMs / 1000} s`)
    answer.abort(late)
  }

  return {
    begins(): void {
      since = performance.now()
      timer ??= setTimeout(look, idleMs)
    },
    ends(): void {
      since = undefined
    },
    /** Why the read broke, if it was this. */
    broken: () => late,
    close: () => clearTimeout(timer),
  }
}

/** An abort by the caller comes as the caller's own reason. */
function bodyError(error: unknown, answer: Answer): unknown {
  return isBroken(error) ? connectionFailure(error, answer.place) : error
}

function isBroken(error: unknown): boolean {
  return (
    !(error instanceof AppError) && error instanceof Error && typeof (error as { code?: unknown }).code === 'string'
  )
}

/** The whole body, for what is known to be small. Throws `upstream-failed` when it has more than `maxBytes`. */
export async function readWhole(answer: Answer, idleMs: number, maxBytes: number): Promise<Uint8Array> {
  const tooBig = () => {
    answer.abort()
    return failure(
      'upstream-failed',
      answer.place,
      `${answer.place.host} sent more than ${maxBytes} bytes where less was expected`,
    )
  }
  const length = Number(answer.headers.get('content-length') ?? 0)
  if (length > maxBytes) throw tooBig()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of bodyOf(answer, idleMs)) {
    size += chunk.length
    if (size > maxBytes) throw tooBig()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** A JSON object out of the body. Throws `upstream-failed` when it is none. */
export async function readJson(answer: Answer, idleMs: number, maxBytes = 16 << 20): Promise<Record<string, unknown>> {
  const object = parseObject(await readWhole(answer, idleMs, maxBytes))
  if (object) return object
  const { place, url } = answer
  throw failure('upstream-failed', place, `${place.host} sent something else than a JSON object at ${url.pathname}`)
}

/** Undefined when the bytes are no JSON object. */
export function parseObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined // no JSON at all
  }
}

/** Gets rid of a body nobody wants: read when it is small, which keeps the connection, cut off otherwise. */
export async function discard(answer: Answer, idleMs: number): Promise<void> {
  if (!answer.body) return
  if (Number(answer.headers.get('content-length') ?? Number.NaN) <= 16_384) {
    try {
      for await (const _ of bodyOf(answer, Math.min(idleMs, 2_000)));
      return
    } catch {
      // It is not wanted anyway.
    }
  }
  answer.abort()
}
