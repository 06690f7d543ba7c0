import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import type { Log } from '../telemetry/log.ts'

/** Lets bytes through at a rate. */
export interface Bandwidth {
  /** Resolves once these bytes, which are here already, are paid for. First come, first served. Rejects with the reason of the signal. */
  take(bytes: number, signal: AbortSignal | undefined): Promise<void>
}

/** Milliseconds. */
interface Clock {
  now(): number
  wait(ms: number, signal: AbortSignal | undefined): Promise<void>
}

const realClock: Clock = {
  now: () => performance.now(),
  wait: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}),
}

/** What may come at once after a pause, in milliseconds of the rate. */
const burstMs = 100

/**
 * A rate that all who take from it share. The bytes are taken after they came: those that wait keep the sender waiting through its own window, nothing piles
 * up here. With several takers each gets its turn piece by piece.
 */
export function createBandwidth(bytesPerSecond: number, { now, wait } = realClock): Bandwidth {
  /** Until when all that was taken is paid. */
  let paidAt = Number.NEGATIVE_INFINITY
  return {
    async take(bytes, signal) {
      paidAt = Math.max(paidAt, now() - burstMs) + (bytes / bytesPerSecond) * 1000
      const debt = paidAt - now()
      if (debt <= 0) return
      await wait(debt, signal).catch((error) => {
        signal?.throwIfAborted()
        throw error
      })
    },
  }
}

/** Lets so many in at once. */
export interface Gate {
  /** Resolves with what gives the place back, once and for all. Throws `upstream-timeout` after `patienceMs`, or the reason of the signal. */
  enter(signal: AbortSignal | undefined): Promise<() => void>
}

export interface GateParts {
  /** Of the upstream. */
  name: string
  most: number
  patienceMs: number
  log: Log
}

/** A line for the downloads of one upstream: first come, first served. */
export function createGate({ name, most, patienceMs, log }: GateParts): Gate {
  let inside = 0
  const waiting: (() => void)[] = []

  function leave(): void {
    const next = waiting.shift()
    if (next) next()
    else inside--
  }

  function place(): () => void {
    let isTaken = true
    return () => {
      if (isTaken) leave()
      isTaken = false
    }
  }

  return {
    async enter(signal) {
      signal?.throwIfAborted()
      if (inside < most) {
        inside++
        return place()
      }
      log.debug('a download waits for others from its upstream', { upstream: name, most, ahead: waiting.length })
      const turn = Promise.withResolvers<void>()
      const giveUp = (reason: unknown) => {
        const index = waiting.indexOf(turn.resolve)
        if (index < 0) return // its turn has come
        waiting.splice(index, 1)
        turn.reject(reason)
      }
      const onAbort = () => giveUp(signal?.reason)
      waiting.push(turn.resolve)
      signal?.addEventListener('abort', onAbort, { once: true })
      const timer = setTimeout(() => giveUp(tooMany(name, most, patienceMs)), patienceMs)
      try {
        await turn.promise
      } finally {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      return place()
    },
  }
}

function tooMany(name: string, most: number, patienceMs: number): AppError {
  return new AppError(
    'upstream-timeout',
    `${most} downloads from upstream ${name} are under way, as many as upstream.maxDownloads allows, and none ended within ${patienceMs / 1000} s: try again`,
    { headers: { 'retry-after': '10' }, detail: { upstream: name, maxDownloads: most } },
  )
}
