import { describe, expect, test } from 'bun:test'
import { AppError } from '../errors.ts'
import { silentLog } from '../telemetry/log.ts'
import { createBandwidth, createGate } from './throttle.ts'

/** Time that passes only when somebody waits for it. */
function createClock() {
  let time = 0
  const sleepers: { at: number; wake: () => void }[] = []
  return {
    now: () => time,
    wait: (ms: number) => new Promise<void>((wake) => sleepers.push({ at: time + ms, wake })),
    /** Wakes sleepers in order until there are none. */
    async run() {
      for (;;) {
        await Bun.sleep(0)
        const next = sleepers.sort((one, other) => one.at - other.at).shift()
        if (!next) return
        time = next.at
        next.wake()
      }
    },
  }
}

describe('a bandwidth', () => {
  test('is what all who take from it get together, and each gets its part', async () => {
    const clock = createClock()
    const { take } = createBandwidth(1_000_000, clock)
    const ends: number[] = []
    async function download() {
      for (let piece = 0; piece < 20; piece++) await take(100_000, undefined)
      ends.push(clock.now())
    }
    const all = Promise.all([download(), download(), download()])
    await clock.run()
    await all
    // 6 MB at 1 MB/s, less what may come at once at the beginning; nobody is served before the others.
    expect(ends.at(-1)).toBeGreaterThanOrEqual(5_900)
    expect(ends.at(-1)).toBeLessThanOrEqual(6_000)
    expect(ends[0]).toBeGreaterThan(5_600)
  })

  test('is not saved up while nobody takes', async () => {
    const clock = createClock()
    const { take } = createBandwidth(1_000_000, clock)
    const pause = clock.wait(60_000)
    await clock.run()
    await pause
    const taken = take(2_000_000, undefined)
    await clock.run()
    await taken
    expect(clock.now()).toBeGreaterThanOrEqual(61_900)
  })

  test('lets go of those who are aborted', async () => {
    const stop = new AbortController()
    const taken = createBandwidth(1).take(1000, stop.signal)
    stop.abort(new AppError('unavailable', 'stopping'))
    expect(await taken.catch((error) => error.message)).toBe('stopping')
  })
})

describe('a gate', () => {
  const gateOf = (most: number, patienceMs = 60_000) => createGate({ name: 'hub', most, patienceMs, log: silentLog })

  test('lets in as many as it has places for, the others in their order', async () => {
    const gate = gateOf(2)
    const first = await gate.enter(undefined)
    await gate.enter(undefined)
    const came: string[] = []
    const third = gate.enter(undefined).then((leave) => {
      came.push('third')
      return leave
    })
    const fourth = gate.enter(undefined).then(() => came.push('fourth'))
    await Bun.sleep(0)
    expect(came).toEqual([])
    first()
    first() // counts once
    const leave = await third
    expect(came).toEqual(['third'])
    leave()
    await fourth
    expect(came).toEqual(['third', 'fourth'])
  })

  test('says why after a while', async () => {
    const gate = gateOf(1, 5)
    const leave = await gate.enter(undefined)
    const error: AppError = await gate.enter(undefined).catch((thrown) => thrown)
    expect(error.code).toBe('upstream-timeout')
    expect(error.message).toContain('upstream.maxDownloads')
    expect(error.headers['retry-after']).toBe('10')
    leave()
    ;(await gate.enter(undefined))()
  })

  test('forgets those who are aborted while they wait', async () => {
    const gate = gateOf(1)
    const leave = await gate.enter(undefined)
    const stop = new AbortController()
    const waiting = gate.enter(stop.signal).catch((error) => error.message)
    stop.abort(new AppError('unavailable', 'gone'))
    expect(await waiting).toBe('gone')
    const next = gate.enter(undefined)
    leave()
    ;(await next)()
  })
})
