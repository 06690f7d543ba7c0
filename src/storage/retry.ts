import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import type { ByteStream, StorageDriver } from './driver.ts'

export interface RetryOptions {
  /** How often something is tried in all. */
  attempts: number
  /** The pause before the second attempt is between half of this and all of it, and doubles from then on. */
  baseDelayMs: number
  /** No pause is longer. */
  maxDelayMs: number
}

const defaults: RetryOptions = { attempts: 4, baseDelayMs: 100, maxDelayMs: 2000 }

/**
 * Tries again what answered `unavailable` and can be repeated without harm: `stat`, `remove`, `discard`, `stagedSize`, `presign`, and
 * `read`, `readStaged`, `list` and `staged` until the first byte or entry has come.
 *
 * Not repeated: `write` and `append`, whose stream is used up; `commit`, because a first attempt that was carried out although its answer got lost makes
 * the second one look like an unknown upload; `check`, which is asked how things are now.
 */
export function withRetry(driver: StorageDriver, options: Partial<RetryOptions> = {}): StorageDriver {
  const settings = { ...defaults, ...options }
  const { presign } = driver

  async function again<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        await pauseOrThrow(error, attempt, settings, signal)
      }
    }
  }

  async function* againUntilFirst<T>(open: () => AsyncIterable<T> | Promise<AsyncIterable<T>>, signal?: AbortSignal) {
    for (let attempt = 1; ; attempt++) {
      let hasBegun = false
      try {
        for await (const item of await open()) {
          hasBegun = true
          yield item
        }
        return
      } catch (error) {
        if (hasBegun) throw error
        await pauseOrThrow(error, attempt, settings, signal)
      }
    }
  }

  // What is there is found out at once; the first of the streams is used up before another is asked for.
  async function readAgain(open: () => Promise<ByteStream | undefined>, signal?: AbortSignal) {
    let ready = await again(open, signal)
    if (!ready) return undefined
    return againUntilFirst(async () => {
      const stream = ready ?? (await open())
      ready = undefined
      if (!stream) throw new AppError('unavailable', `${driver.description}: the object went away before it was read`)
      return stream
    }, signal)
  }

  return {
    ...driver,
    stat: (key, call) => again(() => driver.stat(key, call), call?.signal),
    remove: (key) => again(() => driver.remove(key)),
    discard: (upload) => again(() => driver.discard(upload)),
    stagedSize: (upload) => again(() => driver.stagedSize(upload)),
    read: (key, range, call) => readAgain(() => driver.read(key, range, call), call?.signal),
    readStaged: (upload, call) => readAgain(() => driver.readStaged(upload, call), call?.signal),
    list: (prefix, call) => againUntilFirst(() => driver.list(prefix, call), call?.signal),
    staged: () => againUntilFirst(() => driver.staged()),
    ...(presign && { presign: (key, ttlSeconds) => again(() => presign(key, ttlSeconds)) }),
  }
}

async function pauseOrThrow(
  error: unknown,
  attempt: number,
  settings: RetryOptions,
  signal?: AbortSignal,
): Promise<void> {
  const isWorthwhile = error instanceof AppError && error.code === 'unavailable' && attempt < settings.attempts
  if (!isWorthwhile) throw error
  signal?.throwIfAborted()
  const longest = Math.min(settings.maxDelayMs, settings.baseDelayMs * 2 ** (attempt - 1))
  // Spread, so that callers who failed together do not come back together.
  await sleep(longest * (0.5 + Math.random() / 2))
  signal?.throwIfAborted()
}
