import { AppError } from '../errors.ts'
import type { Timing } from './settings.ts'

/** How an upstream is doing, for people and for those who choose between upstreams. */
export interface HealthState {
  /** `failing`: it failed, but too seldom to be blocked. `blocked`: it is left alone for a while. `blocked-by-hand`: until someone says otherwise. */
  state: 'ok' | 'failing' | 'blocked' | 'blocked-by-hand'
  /** Since when it is in this state. */
  since: Date
  /** Message of the last failure, or what was said when it was blocked. */
  reason: string | undefined
  /** Failures in a row. */
  failures: number
  /** When the next request may try it again. */
  nextProbeAt: Date | undefined
  lastSuccessAt: Date | undefined
  /** Until when it wants to be left alone by kind of request, after a 429. */
  paused: Record<string, Date>
}

/** Leave to send one request; it ends with exactly one of these. */
export interface Permit {
  succeeded(): void
  failed(reason: string): void
  /** Nothing was learnt: the client went away. */
  dropped(): void
}

export interface Health {
  /** Throws `upstream-blocked` while blocked, `throttled` while this kind of request is paused, both with Retry-After. */
  enter(kind: string): Permit
  /** Counts a failure that came after its permit ended: a download that broke off for good. */
  failed(reason: string): void
  /** A 429: this kind of request waits. Others may still be answered, as Docker Hub does when only pulls of manifests are used up. */
  slowDown(kind: string, seconds: number): void
  /** Blocks by hand, with a reason for people, or (undefined) lifts any block. */
  block(reason: string | undefined): void
  state(): HealthState
}

type Blocking = Pick<Timing, 'blockAfter' | 'firstBlockMs' | 'longestBlockMs'>

/** Watches over one upstream: after failures in a row requests fail at once, and from time to time a single one finds out how things are. */
export function createHealth(
  name: string,
  timing: Blocking,
  now: () => number,
  onChange: (state: HealthState) => void = () => {},
): Health {
  let state: HealthState['state'] = 'ok'
  let since = now()
  let reason: string | undefined
  let failures = 0
  let blockMs = 0
  let nextProbeAt: number | undefined
  let lastSuccessAt: number | undefined
  let isProbing = false
  const paused = new Map<string, number>()

  function change(to: HealthState['state']): void {
    if (state === to) return
    state = to
    since = now()
    onChange(read())
  }

  function read(): HealthState {
    for (const [kind, until] of paused) if (until <= now()) paused.delete(kind)
    return {
      state,
      since: new Date(since),
      reason,
      failures,
      nextProbeAt: nextProbeAt === undefined ? undefined : new Date(nextProbeAt),
      lastSuccessAt: lastSuccessAt === undefined ? undefined : new Date(lastSuccessAt),
      paused: Object.fromEntries([...paused].map(([kind, until]) => [kind, new Date(until)])),
    }
  }

  function recover(): void {
    failures = 0
    blockMs = 0
    nextProbeAt = undefined
    reason = undefined
    change('ok')
  }

  function countFailure(why: string, isProbe: boolean): void {
    reason = why
    failures++
    if (state === 'blocked' && !isProbe) return // was on its way when the block began
    if (failures < timing.blockAfter && !isProbe) {
      change('failing')
      return
    }
    blockMs = Math.min(timing.longestBlockMs, blockMs === 0 ? timing.firstBlockMs : blockMs * 2)
    nextProbeAt = now() + blockMs
    change('blocked')
  }

  return {
    enter(kind) {
      if (state === 'blocked-by-hand')
        throw new AppError('upstream-blocked', `upstream ${name} is blocked: ${reason}`, {
          detail: { upstream: name, state },
        })
      const isProbe = state === 'blocked'
      if (isProbe && (isProbing || now() < nextProbeAt!)) {
        const seconds = Math.max(1, Math.ceil((nextProbeAt! - now()) / 1000))
        throw new AppError('upstream-blocked', `upstream ${name} is left alone after ${failures} failures: ${reason}`, {
          headers: { 'retry-after': String(seconds) },
          detail: { upstream: name, state },
        })
      }
      const wait = Math.ceil(((paused.get(kind) ?? 0) - now()) / 1000)
      if (wait > 0) {
        throw new AppError('throttled', `upstream ${name} asked us to slow down (429)`, {
          headers: { 'retry-after': String(wait) },
          detail: { upstream: name, status: 429 },
        })
      }
      if (isProbe) isProbing = true
      let isOpen = true
      const end = (then: () => void) => {
        if (!isOpen) return
        isOpen = false
        if (isProbe) isProbing = false
        if (state !== 'blocked-by-hand') then()
      }
      return {
        succeeded: () =>
          end(() => {
            lastSuccessAt = now()
            recover()
          }),
        failed: (why) => end(() => countFailure(why, isProbe)),
        dropped: () => end(() => {}),
      }
    },
    failed(why) {
      if (state !== 'blocked-by-hand') countFailure(why, false)
    },
    slowDown: (kind, seconds) => paused.set(kind, Math.max(paused.get(kind) ?? 0, now() + seconds * 1000)),
    block(why) {
      if (why === undefined) return recover()
      reason = why
      nextProbeAt = undefined
      change('blocked-by-hand')
    },
    state: read,
  }
}
