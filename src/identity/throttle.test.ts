import { describe, expect, test } from 'bun:test'
import { createThrottle, type ThrottleOptions } from './throttle.ts'

function withClock(options: ThrottleOptions = {}) {
  let time = 0
  const throttle = createThrottle({ ...options, now: () => time })
  const fail = (times: number, username = 'alice', address = '192.0.2.1') => {
    for (let i = 0; i < times; i++) throttle.failed(username, address)
  }
  return { throttle, fail, pass: (seconds: number) => (time += seconds * 1000) }
}

describe('throttle', () => {
  test('lets a user fail nine times, and makes the eleventh try wait', () => {
    const { throttle, fail } = withClock()
    fail(9)
    expect(throttle.waitSeconds('alice', '192.0.2.1')).toBe(0)
    fail(1)
    expect(throttle.waitSeconds('alice', '192.0.2.1')).toBe(1)
  })

  test('doubles the delay with each further failure, up to five minutes', () => {
    const { throttle, fail, pass } = withClock()
    fail(9)
    const delays = Array.from({ length: 11 }, () => {
      fail(1)
      const wait = throttle.waitSeconds('alice', '192.0.2.1')
      pass(wait)
      expect(throttle.waitSeconds('alice', '192.0.2.1')).toBe(0)
      return wait
    })
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
  })

  test('rounds what is left up to whole seconds', () => {
    const { throttle, fail, pass } = withClock()
    fail(11)
    pass(0.4)
    expect(throttle.waitSeconds('alice', '192.0.2.1')).toBe(2)
    pass(1.5)
    expect(throttle.waitSeconds('alice', '192.0.2.1')).toBe(1)
  })

  test('does not lock a user out elsewhere, nor others at the same address', () => {
    const { throttle, fail } = withClock()
    fail(30)
    expect(throttle.waitSeconds('alice', '192.0.2.2')).toBe(0)
    expect(throttle.waitSeconds('bob', '192.0.2.1')).toBe(0)
  })

  test('stops an address that goes through many names', () => {
    const { throttle } = withClock()
    for (let i = 0; i < 50; i++) throttle.failed(`user${i}`, '192.0.2.1')
    expect(throttle.waitSeconds('alice', '192.0.2.1')).toBe(1)
    expect(throttle.waitSeconds('alice', '192.0.2.2')).toBe(0)
  })

  test('lets in from a stopped address whoever logged in from there before, with the usual limit on their own failures', () => {
    const { throttle, fail } = withClock()
    throttle.succeeded('alice', '192.0.2.1')
    for (let i = 0; i < 60; i++) throttle.failed(`user${i}`, '192.0.2.1')
    expect(throttle.waitSeconds('alice', '192.0.2.1')).toBe(0)
    fail(10)
    expect(throttle.waitSeconds('alice', '192.0.2.1')).toBe(1)
  })

  test('a success clears the failures of that user but not those of the address', () => {
    const { throttle, fail } = withClock({ perAddress: 20 })
    fail(12)
    throttle.succeeded('alice', '192.0.2.1')
    expect(throttle.waitSeconds('alice', '192.0.2.1')).toBe(0)
    fail(8, 'bob')
    expect(throttle.waitSeconds('carol', '192.0.2.1')).toBe(1)
  })

  test('forgets after a quarter of an hour without a failure', () => {
    const { throttle, fail, pass } = withClock()
    fail(20)
    pass(900)
    fail(9)
    expect(throttle.waitSeconds('alice', '192.0.2.1')).toBe(0)
  })

  const neighbours: [string, string, boolean][] = [
    ['2001:db8::1', '2001:db8:0:0:ffff::2', true],
    ['2001:db8::1', '2001:0db8:0000:0000:1:2:3:4', true],
    ['2001:db8::1', '2001:db8:0:1::1', false],
    ['::1', '::2', true],
    ['fe80::1%eth0', 'fe80::2', true],
    ['::ffff:192.0.2.1', '192.0.2.1', true],
    ['::ffff:192.0.2.1', '192.0.2.2', false],
    ['192.0.2.1', '192.0.2.11', false],
  ]
  test.each(neighbours)('takes %s and %s for one subscriber: %p', (one, other, same) => {
    const { throttle, fail } = withClock()
    fail(10, 'alice', one)
    expect(throttle.waitSeconds('alice', other) > 0).toBe(same)
  })

  test('counts only users where there is no address', () => {
    const { throttle, fail } = withClock()
    for (let i = 0; i < 100; i++) throttle.failed(`user${i}`, '')
    expect(throttle.waitSeconds('alice', '')).toBe(0)
    fail(10, 'alice', '')
    expect(throttle.waitSeconds('alice', '')).toBe(1)
  })

  test('remembers a bounded number and drops what was seen longest ago', () => {
    const { throttle, fail } = withClock({ remember: 100, perAddress: 10_000 })
    fail(10, 'dropped')
    fail(10, 'kept')
    for (let i = 0; i < 98; i++) throttle.failed(`user${i}`, '192.0.2.1')
    fail(1, 'kept')
    for (let i = 0; i < 98; i++) throttle.failed(`other${i}`, '192.0.2.1')
    expect(throttle.waitSeconds('dropped', '192.0.2.1')).toBe(0)
    expect(throttle.waitSeconds('kept', '192.0.2.1')).toBeGreaterThan(0)
  })
})
