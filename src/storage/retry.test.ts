import { describe, expect, test } from 'bun:test'
import { allOf, streamOf, textOf } from '../../test/helpers/streams.ts'
import { AppError } from '../errors.ts'
import type { ByteStream, StorageDriver } from './driver.ts'
import { createInMemoryDriver } from './inmemory.ts'
import { withRetry } from './retry.ts'

const quick = { attempts: 3, baseDelayMs: 1, maxDelayMs: 2 }
const unavailable = new AppError('unavailable', 'the network is down')

/** A driver whose calls fail `failures` times each before they work, and a count of all calls by name. */
function flaky(failures: number, error: unknown = unavailable): { driver: StorageDriver; calls: Map<string, number> } {
  const driver = { ...createInMemoryDriver(), presign: async (key: string) => `https://place.example/${key}` }
  const calls = new Map<string, number>()
  const failing = <A extends unknown[], R>(name: string, work: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      const count = (calls.get(name) ?? 0) + 1
      calls.set(name, count)
      if (count <= failures) throw error
      return work(...args)
    }
  }
  return {
    calls,
    driver: {
      ...driver,
      stat: failing('stat', driver.stat),
      read: failing('read', driver.read),
      remove: failing('remove', driver.remove),
      discard: failing('discard', driver.discard),
      stagedSize: failing('stagedSize', driver.stagedSize),
      readStaged: failing('readStaged', driver.readStaged),
      presign: failing('presign', driver.presign),
      write: failing('write', driver.write),
      append: failing('append', driver.append),
      commit: failing('commit', driver.commit),
      check: failing('check', driver.check),
    },
  }
}

/** A stream for each attempt: what it yields, then its error if it has one. */
function streams(...attempts: { yields: string[]; error?: unknown }[]): () => ByteStream {
  let attempt = 0
  return async function* () {
    const { yields, error } = attempts[attempt++]!
    for (const text of yields) yield new TextEncoder().encode(text)
    if (error) throw error
  }
}

describe('withRetry', () => {
  test('calls that change nothing or may be repeated are tried again', async () => {
    const { driver, calls } = flaky(2)
    const retrying = withRetry(driver, quick)
    expect(await retrying.stat('a')).toBeUndefined()
    expect(await retrying.read('a')).toBeUndefined()
    await retrying.remove('a')
    await retrying.discard('upload-1')
    expect(await retrying.stagedSize('upload-1')).toBeUndefined()
    expect(await retrying.readStaged('upload-1')).toBeUndefined()
    expect(await retrying.presign!('a', 60)).toBe('https://place.example/a')
    expect([...calls.values()]).toEqual([3, 3, 3, 3, 3, 3, 3])
  })

  test('after the last attempt the error is passed on', async () => {
    const { driver, calls } = flaky(3)
    await expect(withRetry(driver, quick).stat('a')).rejects.toBe(unavailable)
    expect(calls.get('stat')).toBe(3)
  })

  test('what cannot be repeated, and the probe, are tried once', async () => {
    const { driver, calls } = flaky(1)
    const retrying = withRetry(driver, quick)
    await expect(retrying.write('a', streamOf('x'))).rejects.toBe(unavailable)
    await expect(retrying.append('upload-1', 0, streamOf('x'))).rejects.toBe(unavailable)
    await expect(retrying.commit('upload-1', 'a')).rejects.toBe(unavailable)
    await expect(retrying.check()).rejects.toBe(unavailable)
    expect([...calls.values()]).toEqual([1, 1, 1, 1])
  })

  test('no other error is tried again', async () => {
    for (const error of [
      new AppError('storage-full', 'no room'),
      new AppError('internal', 'a mistake'),
      new Error('a bug'),
    ]) {
      const { driver, calls } = flaky(1, error)
      await expect(withRetry(driver, quick).stat('a')).rejects.toBe(error)
      expect(calls.get('stat')).toBe(1)
    }
  })

  test('reading starts again as long as no byte has come', async () => {
    const open = streams({ yields: [], error: unavailable }, { yields: ['all', ' of it'] })
    const retrying = withRetry({ ...createInMemoryDriver(), read: async () => open() }, quick)
    expect(await textOf(await retrying.read('a'))).toBe('all of it')
  })

  test('reading does not start again once bytes have come', async () => {
    const open = streams({ yields: ['some'], error: unavailable }, { yields: ['all', ' of it'] })
    const retrying = withRetry({ ...createInMemoryDriver(), read: async () => open() }, quick)
    await expect(textOf(await retrying.read('a'))).rejects.toBe(unavailable)
  })

  test('listing starts again as long as no entry has come, and not afterwards', async () => {
    const entry = { key: 'a', size: 1, modifiedAt: new Date(0) }
    let attempt = 0
    async function* list() {
      if (++attempt === 1) throw unavailable
      yield entry
      if (attempt === 2) return
      throw unavailable
    }
    const retrying = withRetry({ ...createInMemoryDriver(), list }, quick)
    expect(await allOf(retrying.list(''))).toEqual([entry])
    await expect(allOf(retrying.list(''))).rejects.toBe(unavailable)
    expect(attempt).toBe(3)
  })

  test('an aborted call is not tried again', async () => {
    const controller = new AbortController()
    const reason = new Error('given up')
    let calls = 0
    const stat = async () => {
      calls++
      controller.abort(reason)
      throw unavailable
    }
    const retrying = withRetry({ ...createInMemoryDriver(), stat }, quick)
    await expect(retrying.stat('a', { signal: controller.signal })).rejects.toBe(reason)
    expect(calls).toBe(1)
  })

  test('what a driver cannot do stays absent', () => {
    const retrying = withRetry(createInMemoryDriver())
    expect(retrying.presign).toBeUndefined()
    expect(retrying.localFile).toBeUndefined()
  })
})
