import { describe, expect, test } from 'bun:test'
import { createHealth } from './health.ts'

function withClock() {
  let time = Date.UTC(2030, 0, 1)
  const changes: string[] = []
  const timing = { blockAfter: 3, firstBlockMs: 5_000, longestBlockMs: 300_000 }
  const health = createHealth(
    'far',
    timing,
    () => time,
    ({ state }) => changes.push(state),
  )
  const fail = (times = 1) => {
    for (let i = 0; i < times; i++) health.enter('blobs').failed('it is down')
  }
  const pass = (seconds: number) => {
    time += seconds * 1000
  }
  return { health, changes, fail, pass, now: () => time }
}

describe('health of an upstream', () => {
  test('blocks after three failures in a row, not before', () => {
    const { health, fail, changes } = withClock()
    fail(2)
    expect(health.state()).toMatchObject({ state: 'failing', failures: 2, reason: 'it is down' })
    health.enter('blobs').succeeded()
    fail(2)
    expect(health.state().state).toBe('failing')
    fail()
    expect(health.state().state).toBe('blocked')
    expect(() => health.enter('blobs')).toThrow('it is down')
    expect(changes).toEqual(['failing', 'ok', 'failing', 'blocked'])
  })

  test('doubles the wait with each failed probe, up to five minutes', () => {
    const { health, fail, pass, now } = withClock()
    fail(3)
    const waits = Array.from({ length: 9 }, () => {
      const seconds = (health.state().nextProbeAt!.getTime() - now()) / 1000
      pass(seconds - 0.001)
      expect(() => health.enter('blobs')).toThrow()
      pass(0.001)
      fail()
      return seconds
    })
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300])
  })

  test('lets one probe through at a time, and everyone once it went well', () => {
    const { health, fail, pass, now } = withClock()
    fail(3)
    pass(5)
    const probe = health.enter('blobs')
    expect(() => health.enter('blobs')).toThrow()
    probe.succeeded()
    health.enter('blobs')
    expect(health.state()).toMatchObject({ state: 'ok', failures: 0, lastSuccessAt: new Date(now()) })
  })

  test('gives the probe to the next when whoever had it went away', () => {
    const { health, fail, pass } = withClock()
    fail(3)
    pass(5)
    health.enter('blobs').dropped()
    health.enter('blobs').succeeded()
    expect(health.state().state).toBe('ok')
  })

  test('does not wait longer for failures that were on their way when the block began', () => {
    const { health, fail, now } = withClock()
    const late = Array.from({ length: 10 }, () => health.enter('blobs'))
    fail(3)
    for (const permit of late) permit.failed('late')
    expect(health.state().nextProbeAt).toEqual(new Date(now() + 5_000))
  })

  test('says with Retry-After how long', () => {
    const { health, fail, pass } = withClock()
    fail(3)
    pass(1.5)
    try {
      health.enter('blobs')
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'upstream-blocked', headers: { 'retry-after': '4' } })
    }
  })

  test('stays blocked by hand whatever happens, until that is lifted', () => {
    const { health, pass, fail } = withClock()
    const before = health.enter('blobs')
    health.block('moving house')
    before.succeeded()
    pass(100_000)
    expect(() => health.enter('blobs')).toThrow('moving house')
    expect(health.state().state).toBe('blocked-by-hand')
    health.block(undefined)
    fail()
    expect(health.state().state).toBe('failing')
  })

  test('slows down one kind of request only, and does not take that for a failure', () => {
    const { health, pass, now } = withClock()
    health.enter('manifests').succeeded()
    health.slowDown('manifests', 60)
    expect(() => health.enter('manifests')).toThrow('slow down')
    health.enter('blobs').succeeded()
    expect(health.state()).toMatchObject({ state: 'ok', paused: { manifests: new Date(now() + 60_000) } })
    pass(60)
    health.enter('manifests').succeeded()
    expect(health.state().paused).toEqual({})
  })
})
