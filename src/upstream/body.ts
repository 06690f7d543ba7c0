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
  let isFinished = false
  try {
    for (;;) {
      const { done, value } = await readWithin(reader, answer, idleMs)
      if (done) break
      yield value
    }
    isFinished = true
  } finally {
    if (!isFinished) answer.abort()
  }
}

async function readWithin(reader: ReadableStreamDefaultReader<Uint8Array>, answer: Answer, idleMs: number) {
  let late: AppError | undefined
  const timer = setTimeout(() => {
    late = failure('upstream-timeout', answer.place, `${answer.place.host} sent nothing for ${idleMs / 1000} s`)
    answer.abort(late)
  }, idleMs)
  try {
    return await reader.read()
  } catch (error) {
    if (late) throw late
    // An abort by the caller comes as the caller's own reason.
    throw isBroken(error) ? connectionFailure(error, answer.place) : error
  } finally {
    clearTimeout(timer)
  }
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
