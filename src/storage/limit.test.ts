import { describe, expect, test } from 'bun:test'
import { allOf, failingAfter, streamOf, stuckAfter, textOf } from '../../test/helpers/streams.ts'
import { describeDriver } from '../../test/suites/storage-driver.ts'
import { createInMemoryContents, createInMemoryDriver } from './inmemory.ts'
import { withLimit } from './limit.ts'
import { withRetry } from './retry.ts'

// Both wrappers together promise what the driver inside does, even with a single slot.
describeDriver('inmemory behind retry and limit', async () => {
  const contents = createInMemoryContents()
  return { open: async () => withRetry(withLimit(createInMemoryDriver(contents), 1)), destroy: async () => {} }
})

describe('withLimit', () => {
  test('no more calls than slots work at one moment', async () => {
    let working = 0
    let most = 0
    const gates: (() => void)[] = []
    const commit = async () => {
      most = Math.max(most, ++working)
      await new Promise<void>((resolve) => gates.push(resolve))
      working--
    }
    const limited = withLimit({ ...createInMemoryDriver(), commit }, 3)
    const all = Promise.all(Array.from({ length: 10 }, () => limited.commit('upload-1', 'a')))
    for (let opened = 0; opened < 10; ) {
      const open = gates.shift()
      if (open) opened++
      open?.()
      await Promise.resolve()
    }
    await all
    expect(most).toBe(3)
  })

  test('uploads that wait for slow clients leave the slots to others', async () => {
    const limited = withLimit(createInMemoryDriver(), 2)
    const controller = new AbortController()
    const slow = Array.from({ length: 5 }, () => stuckAfter('half'))
    const waiting = slow.map(({ bytes }, index) =>
      limited.append(`slow-${index}`, 0, bytes, { signal: controller.signal }).catch((error) => error),
    )
    await Promise.all(slow.map(({ isWaiting }) => isWaiting))
    await limited.write('a', streamOf('x'))
    expect(await textOf(await limited.read('a'))).toBe('x')
    controller.abort(new Error('given up'))
    expect((await Promise.all(waiting)).map(({ message }) => message)).toEqual(Array(5).fill('given up'))
    await limited.append('after', 0, streamOf('x'))
    await limited.commit('after', 'b')
    expect(await textOf(await limited.readStaged('slow-0'))).toBe('half')
  })

  test('readers and listings that pause hold no slot', async () => {
    const limited = withLimit(createInMemoryDriver(), 1)
    await limited.write('a', streamOf('a'.repeat(200_000)))
    await limited.write('b', streamOf('b'))
    const reader = (await limited.read('a'))![Symbol.asyncIterator]()
    await reader.next()
    const listing = limited.list('')[Symbol.asyncIterator]()
    await listing.next()
    expect(await textOf(await limited.read('b'))).toBe('b')
    expect((await listing.next()).value.key).toBe('b')
    expect((await reader.next()).done).toBe(false)
  })

  test('copying from a place to itself works with one slot', async () => {
    const limited = withLimit(createInMemoryDriver(), 1)
    await limited.write('a', streamOf('a'.repeat(200_000)))
    await limited.write('copy', (await limited.read('a'))!)
    expect(await limited.stat('copy')).toMatchObject({ size: 200_000 })
  })

  test('failures give their slot back', async () => {
    const limited = withLimit(createInMemoryDriver(), 1)
    const broken = new Error('gone')
    for (let round = 0; round < 3; round++) {
      await expect(limited.write('a', failingAfter('x', broken))).rejects.toBe(broken)
      await expect(limited.append('upload-1', 99, streamOf('x'))).rejects.toMatchObject({ code: 'upload-unknown' })
      await expect(limited.commit('upload-1', 'a')).rejects.toMatchObject({ code: 'upload-unknown' })
    }
    await limited.write('a', streamOf('x'))
    expect((await allOf(limited.list(''))).map(({ key }) => key)).toEqual(['a'])
  })

  test('who waits for a slot can give up, and the next in line is served', async () => {
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>()
    const driver = createInMemoryDriver()
    const limited = withLimit({ ...driver, commit: () => mayEnd }, 1)
    const holding = limited.commit('upload-1', 'a')
    const controller = new AbortController()
    const reason = new Error('given up')
    const impatient = limited.write('b', streamOf('x'), { signal: controller.signal })
    const patient = limited.write('c', streamOf('x'))
    controller.abort(reason)
    await expect(impatient).rejects.toBe(reason)
    end()
    await holding
    await patient
    expect(await driver.stat('b')).toBeUndefined()
    expect(await driver.stat('c')).toMatchObject({ size: 1 })
  })

  test('a limit below one is refused', () => {
    expect(() => withLimit(createInMemoryDriver(), 0)).toThrow('slots must be a whole number from 1 on, not 0')
  })
})
