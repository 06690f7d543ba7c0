import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { type StorageDriver, stagingLagBytes } from '../../src/storage/driver.ts'
import {
  allOf,
  bytesOf,
  failingAfter,
  patternOf,
  reusingBuffer,
  sha256Of,
  streamOf,
  stuckAfter,
  textOf,
} from '../helpers/streams.ts'

/** A place of its own for one test. */
export interface Place {
  /** A driver on this place: another one at each call, all seeing the same bytes. */
  open(): Promise<StorageDriver>
  /** Removes the place. */
  destroy(): Promise<void>
}

/** What every storage driver promises in src/storage/driver.ts. A driver's own test calls this with a maker of empty places. */
export function describeDriver(name: string, makePlace: () => Promise<Place>): void {
  describe(`storage driver: ${name}`, () => {
    let place: Place
    let driver: StorageDriver

    beforeEach(async () => {
      place = await makePlace()
      driver = await place.open()
    })

    afterEach(async () => {
      await driver.close()
      await place.destroy()
    })

    describe('objects', () => {
      test('an absent object is undefined', async () => {
        expect(await driver.stat('a/b/data')).toBeUndefined()
        expect(await driver.read('a/b/data')).toBeUndefined()
      })

      test('a folder of objects is no object', async () => {
        await driver.write('a/b/data', streamOf('x'))
        expect(await driver.stat('a/b')).toBeUndefined()
        expect(await driver.read('a/b')).toBeUndefined()
        expect(await driver.stat('a/b/data/deeper')).toBeUndefined()
        await driver.remove('a/b')
        expect(await textOf(await driver.read('a/b/data'))).toBe('x')
      })

      test('what is written can be read, and its size and time are known', async () => {
        const before = Date.now()
        const written = await driver.write('a/b/data', streamOf('hello'))
        expect(written).toMatchObject({ key: 'a/b/data', size: 5 })
        // Clocks of places tick in steps of a few milliseconds.
        expect(written.modifiedAt.getTime()).toBeGreaterThan(before - 1000)
        expect(await driver.stat('a/b/data')).toEqual(written)
        expect(await textOf(await driver.read('a/b/data'))).toBe('hello')
      })

      test('a key may be one segment', async () => {
        await driver.write('top', streamOf('x'))
        expect(await textOf(await driver.read('top'))).toBe('x')
        await driver.remove('top')
        expect(await driver.stat('top')).toBeUndefined()
      })

      test('an empty object exists', async () => {
        async function* nothing() {}
        expect(await driver.write('empty', nothing())).toMatchObject({ size: 0 })
        expect(await driver.stat('empty')).toMatchObject({ size: 0 })
        expect(await textOf(await driver.read('empty'))).toBe('')
      })

      test('a range has its first and its last byte', async () => {
        await driver.write('digits', streamOf('0123456789'))
        expect(await textOf(await driver.read('digits', { first: 2, last: 4 }))).toBe('234')
        expect(await textOf(await driver.read('digits', { first: 0, last: 0 }))).toBe('0')
        expect(await textOf(await driver.read('digits', { first: 9, last: 9 }))).toBe('9')
        expect(await textOf(await driver.read('digits', { first: 0, last: 9 }))).toBe('0123456789')
      })

      test('a range that is not inside the object is refused', async () => {
        await driver.write('digits', streamOf('0123456789'))
        for (const [first, last] of [
          [0, 10],
          [10, 10],
          [5, 4],
          [-1, 2],
          [0.5, 2],
          [Number.NaN, 2],
        ] as const) {
          await expect(driver.read('digits', { first, last })).rejects.toMatchObject({ code: 'range-invalid' })
        }
        expect(await driver.read('absent', { first: 0, last: 10 })).toBeUndefined()
      })

      test('writing again replaces the object', async () => {
        await driver.write('a/data', streamOf('the first one'))
        await driver.write('a/data', streamOf('second'))
        expect(await textOf(await driver.read('a/data'))).toBe('second')
      })

      test('a write whose stream fails leaves the old object, passes the error on, and stages nothing', async () => {
        const broken = new Error('the client went away')
        await expect(driver.write('fresh', failingAfter('half', broken))).rejects.toBe(broken)
        expect(await driver.stat('fresh')).toBeUndefined()
        await driver.write('a/data', streamOf('old'))
        await expect(driver.write('a/data', failingAfter('half', broken))).rejects.toBe(broken)
        expect(await textOf(await driver.read('a/data'))).toBe('old')
        expect(await allOf(driver.staged())).toEqual([])
      })

      test('a reader sees the object it began with or an error, never a mixture', async () => {
        await driver.write('a/data', streamOf('a'.repeat(3_000_000)))
        const stream = (await driver.read('a/data'))!
        const iterator = stream[Symbol.asyncIterator]()
        const first = Buffer.from((await iterator.next()).value!).toString()
        await driver.write('a/data', streamOf('b'.repeat(3_000_000)))
        const rest = await textOf({ [Symbol.asyncIterator]: () => iterator }).catch(() => '')
        expect(first + rest).not.toContain('b')
      })

      test('removing an object succeeds, and again when it is absent', async () => {
        await driver.write('a/b/data', streamOf('x'))
        await driver.remove('a/b/data')
        await driver.remove('a/b/data')
        await driver.remove('never/was/there')
        expect(await driver.stat('a/b/data')).toBeUndefined()
      })

      test('writing and removing one key at the same time ends with a whole object or none', async () => {
        const rounds = Array.from({ length: 40 }, (_, round) => round)
        await Promise.all(
          rounds.flatMap((round) => [driver.write('a/b/data', streamOf(`round ${round}`)), driver.remove('a/b/data')]),
        )
        const left = await textOf(await driver.read('a/b/data'))
        expect(left ?? 'round 0').toMatch(/^round \d+$/)
        await driver.write('a/b/data', streamOf('last'))
        expect(await textOf(await driver.read('a/b/data'))).toBe('last')
      })
    })

    describe('list', () => {
      test('finds every object below a prefix, with its size', async () => {
        for (const key of ['a/1/data', 'a/2/data', 'ab/data', 'b/data', 'top']) await driver.write(key, streamOf(key))
        const keys = async (prefix: string) => (await allOf(driver.list(prefix))).map(({ key }) => key).sort()
        expect(await keys('')).toEqual(['a/1/data', 'a/2/data', 'ab/data', 'b/data', 'top'])
        expect(await keys('a/')).toEqual(['a/1/data', 'a/2/data'])
        expect(await keys('a')).toEqual(['a/1/data', 'a/2/data', 'ab/data'])
        expect(await keys('a/2/da')).toEqual(['a/2/data'])
        expect(await keys('top')).toEqual(['top'])
        expect(await keys('nothing/here')).toEqual([])
        expect(await keys('top/deeper')).toEqual([])
        expect(await allOf(driver.list('a/1'))).toEqual([(await driver.stat('a/1/data'))!])
      })

      test('does not show what is staged', async () => {
        await driver.append('upload-1', 0, streamOf('staged'))
        expect(await allOf(driver.list(''))).toEqual([])
      })

      test('can be left early', async () => {
        for (let number = 0; number < 5; number++) await driver.write(`a/${number}`, streamOf('x'))
        for await (const { size } of driver.list('')) {
          expect(size).toBe(1)
          break
        }
      })
    })

    describe('uploads', () => {
      test('an unknown upload has no size, no bytes, cannot be continued or committed, and may be discarded', async () => {
        expect(await driver.stagedSize('nobody')).toBeUndefined()
        expect(await driver.readStaged('nobody')).toBeUndefined()
        await expect(driver.append('nobody', 3, streamOf('x'))).rejects.toMatchObject({ code: 'upload-unknown' })
        await expect(driver.commit('nobody', 'a/data')).rejects.toMatchObject({ code: 'upload-unknown' })
        await driver.discard('nobody')
        expect(await driver.stat('a/data')).toBeUndefined()
      })

      test('staged bytes can be read from any byte on, also while more arrive', async () => {
        const piece = new Uint8Array(stagingLagBytes).fill(7)
        let seen: string | undefined
        async function* arriving() {
          yield Buffer.from('one,two,three')
          yield piece
          // The next is asked for: all but the last bytes before the lag are there.
          yield piece
          seen = await textOf(await driver.readStaged('upload-1', { offset: 4 }))
          yield Buffer.from('end')
        }
        await driver.append('upload-1', 0, arriving())
        expect(seen?.slice(0, 9)).toBe('two,three')
        expect(await textOf(await driver.readStaged('upload-1', { offset: 13 + 2 * piece.length }))).toBe('end')
        expect(await textOf(await driver.readStaged('upload-1', { offset: 99_999_999 }))).toBe('')
      })

      test('bytes appended in turn become the object', async () => {
        expect(await driver.append('upload-1', 0, streamOf('one,'))).toBe(4)
        expect(await driver.append('upload-1', 4, streamOf('two,'))).toBe(8)
        expect(await driver.append('upload-1', 8, streamOf('three'))).toBe(13)
        expect(await driver.stagedSize('upload-1')).toBe(13)
        expect(await textOf(await driver.readStaged('upload-1'))).toBe('one,two,three')
        expect(await driver.stat('a/b/data')).toBeUndefined()
        await driver.commit('upload-1', 'a/b/data')
        expect(await textOf(await driver.read('a/b/data'))).toBe('one,two,three')
        expect(await driver.stagedSize('upload-1')).toBeUndefined()
      })

      test('an upload without bytes becomes an empty object', async () => {
        async function* nothing() {}
        expect(await driver.append('upload-1', 0, nothing())).toBe(0)
        expect(await driver.stagedSize('upload-1')).toBe(0)
        expect(await textOf(await driver.readStaged('upload-1'))).toBe('')
        await driver.commit('upload-1', 'empty')
        expect(await driver.stat('empty')).toMatchObject({ size: 0 })
      })

      test('a second commit finds the upload unknown and leaves the object alone', async () => {
        await driver.append('upload-1', 0, streamOf('x'))
        await driver.commit('upload-1', 'a/data')
        await expect(driver.commit('upload-1', 'a/data')).rejects.toMatchObject({ code: 'upload-unknown' })
        expect(await textOf(await driver.read('a/data'))).toBe('x')
      })

      test('a commit replaces the object that was there', async () => {
        await driver.write('a/data', streamOf('old and longer'))
        await driver.append('upload-1', 0, streamOf('new'))
        await driver.commit('upload-1', 'a/data')
        expect(await textOf(await driver.read('a/data'))).toBe('new')
      })

      test('an append beyond what is staged is refused and changes nothing', async () => {
        await driver.append('upload-1', 0, streamOf('12345'))
        await expect(driver.append('upload-1', 6, streamOf('x'))).rejects.toMatchObject({
          code: 'range-invalid',
          detail: { size: 5 },
        })
        expect(await textOf(await driver.readStaged('upload-1'))).toBe('12345')
      })

      test('a stream that fails leaves what arrived, and an earlier offset drops it again', async () => {
        const broken = new Error('connection lost')
        await driver.append('upload-1', 0, streamOf('one,'))
        await expect(driver.append('upload-1', 4, failingAfter('tw', broken))).rejects.toBe(broken)
        expect(await driver.stagedSize('upload-1')).toBe(6)
        expect(await driver.append('upload-1', 4, streamOf('two'))).toBe(7)
        expect(await textOf(await driver.readStaged('upload-1'))).toBe('one,two')
      })

      test('a stream that fails may also be continued where it stopped', async () => {
        const broken = new Error('connection lost')
        await expect(driver.append('upload-1', 0, failingAfter('half ', broken))).rejects.toBe(broken)
        const size = (await driver.stagedSize('upload-1'))!
        expect(await driver.append('upload-1', size, streamOf('whole'))).toBe(10)
        await driver.commit('upload-1', 'a/data')
        expect(await textOf(await driver.read('a/data'))).toBe('half whole')
      })

      test('an upload may start again from nothing', async () => {
        await driver.append('upload-1', 0, streamOf('a long first try'))
        expect(await driver.append('upload-1', 0, streamOf('short'))).toBe(5)
        expect(await textOf(await driver.readStaged('upload-1'))).toBe('short')
      })

      test('another driver on the same place continues and commits an upload', async () => {
        await driver.append('upload-1', 0, streamOf('one,'))
        const second = await place.open()
        expect(await second.stagedSize('upload-1')).toBe(4)
        expect(await second.append('upload-1', 4, streamOf('two'))).toBe(7)
        const third = await place.open()
        await third.commit('upload-1', 'a/data')
        expect(await textOf(await driver.read('a/data'))).toBe('one,two')
        await second.close()
        await third.close()
      })

      test('chunks of one byte, empty chunks and a buffer that is used again arrive intact', async () => {
        const bytes = patternOf(5000)
        async function* withEmptyOnes() {
          for await (const chunk of reusingBuffer(bytes, 1)) {
            yield new Uint8Array()
            yield chunk
          }
        }
        expect(await driver.append('upload-1', 0, withEmptyOnes())).toBe(5000)
        expect(await bytesOf((await driver.readStaged('upload-1'))!)).toEqual(Buffer.from(bytes))
      })

      test.each([1024 * 1024, 300_000, 65_536, 7_777])(
        'a large object in chunks of %d bytes arrives intact',
        async (chunkBytes) => {
          const bytes = patternOf(5 * 1024 * 1024 + 123)
          const digest = createHash('sha256').update(bytes).digest('hex')
          const middle = 2_500_001
          await driver.append('upload-1', 0, reusingBuffer(bytes.subarray(0, middle), chunkBytes))
          expect(await driver.append('upload-1', middle, reusingBuffer(bytes.subarray(middle), chunkBytes))).toBe(
            bytes.byteLength,
          )
          expect(await sha256Of((await driver.readStaged('upload-1'))!)).toBe(digest)
          await driver.commit('upload-1', 'large/data')
          expect(await sha256Of((await driver.read('large/data'))!)).toBe(digest)
          const part = await bytesOf((await driver.read('large/data', { first: 1_000_000, last: 3_999_999 }))!)
          expect(part.equals(bytes.subarray(1_000_000, 4_000_000))).toBe(true)
        },
      )

      test('different uploads at the same time do not meet', async () => {
        const ids = Array.from({ length: 12 }, (_, index) => `upload-${index}`)
        const contents = ids.map((_, index) => patternOf(400_000 + index, index + 1))
        await Promise.all(
          ids.map(async (id, index) => {
            await driver.append(id, 0, reusingBuffer(contents[index]!, 10_000))
            await driver.commit(id, `same/folder/${index % 3}/${id}`)
          }),
        )
        for (const [index, id] of ids.entries()) {
          const stored = await bytesOf((await driver.read(`same/folder/${index % 3}/${id}`))!)
          expect(stored.equals(contents[index]!)).toBe(true)
        }
        expect(await allOf(driver.staged())).toEqual([])
      })

      test('uploads that race to one key leave one of them whole', async () => {
        const ids = Array.from({ length: 8 }, (_, index) => `upload-${index}`)
        await Promise.all(
          ids.map(async (id) => {
            await driver.append(id, 0, streamOf(`from ${id}`))
            await driver.commit(id, 'a/b/data')
          }),
        )
        expect(ids.map((id) => `from ${id}`)).toContain((await textOf(await driver.read('a/b/data')))!)
      })

      test('staged uploads are listed with size and time, until they are discarded', async () => {
        await driver.append('upload-1', 0, streamOf('12345'))
        await driver.append('upload-2', 0, streamOf('1'))
        const found = (await allOf(driver.staged())).sort((one, other) => one.id.localeCompare(other.id))
        expect(found).toMatchObject([
          { id: 'upload-1', size: 5 },
          { id: 'upload-2', size: 1 },
        ])
        expect(Math.abs(found[0]!.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000)
        await driver.discard('upload-1')
        await driver.discard('upload-2')
        expect(await allOf(driver.staged())).toEqual([])
        expect(await driver.stagedSize('upload-1')).toBeUndefined()
      })
    })

    describe('abort', () => {
      const reason = new Error('the request was given up')

      test('a signal that is already aborted stops everything before it begins', async () => {
        const signal = AbortSignal.abort(reason)
        await driver.write('a/data', streamOf('x'))
        await expect(driver.stat('a/data', { signal })).rejects.toBe(reason)
        await expect(driver.read('a/data', undefined, { signal })).rejects.toBe(reason)
        await expect(driver.write('b/data', streamOf('x'), { signal })).rejects.toBe(reason)
        await expect(driver.append('upload-1', 0, streamOf('x'), { signal })).rejects.toBe(reason)
        await expect(driver.readStaged('upload-1', { signal })).rejects.toBe(reason)
        await expect(allOf(driver.list('', { signal }))).rejects.toBe(reason)
        expect(await driver.stat('b/data')).toBeUndefined()
        expect(await driver.stagedSize('upload-1')).toBeUndefined()
      })

      test('an append that waits for its client can be aborted, and keeps what arrived', async () => {
        const controller = new AbortController()
        const { bytes, isWaiting } = stuckAfter('half')
        const appending = driver.append('upload-1', 0, bytes, { signal: controller.signal })
        await isWaiting
        controller.abort(reason)
        await expect(appending).rejects.toBe(reason)
        expect(await textOf(await driver.readStaged('upload-1'))).toBe('half')
      })

      test('a write that waits for its source can be aborted, and leaves nothing', async () => {
        const controller = new AbortController()
        const { bytes, isWaiting } = stuckAfter('half')
        const writing = driver.write('a/data', bytes, { signal: controller.signal })
        await isWaiting
        controller.abort(reason)
        await expect(writing).rejects.toBe(reason)
        expect(await driver.stat('a/data')).toBeUndefined()
        expect(await allOf(driver.staged())).toEqual([])
      })

      test('reading stops at the next chunk', async () => {
        await driver.write('large', reusingBuffer(patternOf(2_000_000), 100_000))
        const controller = new AbortController()
        const stream = (await driver.read('large', undefined, { signal: controller.signal }))!
        const iterator = stream[Symbol.asyncIterator]()
        expect((await iterator.next()).done).toBe(false)
        controller.abort(reason)
        await expect(iterator.next()).rejects.toBe(reason)
      })
    })

    test.each([
      '',
      '/etc/passwd',
      '../out',
      'a/../../out',
      'a//b',
      'a/./b',
      'a/',
      'a\0b',
      'a\nb',
      'a\\..\\b',
      '_staged/upload-1',
      `${'x'.repeat(256)}`,
    ])('the key %j is refused everywhere', async (key) => {
      const refusal = { code: 'internal' }
      await driver.append('upload-1', 0, streamOf('x'))
      await expect(driver.stat(key)).rejects.toMatchObject(refusal)
      await expect((async () => driver.read(key))()).rejects.toMatchObject(refusal)
      await expect(driver.write(key, streamOf('x'))).rejects.toMatchObject(refusal)
      await expect(driver.remove(key)).rejects.toMatchObject(refusal)
      await expect(driver.commit('upload-1', key)).rejects.toMatchObject(refusal)
      expect(await driver.stagedSize('upload-1')).toBe(1)
    })

    test.each(['/', '../', 'a/../b', 'a//'])('the prefix %j is refused', async (prefix) => {
      await expect(allOf(driver.list(prefix))).rejects.toMatchObject({ code: 'internal' })
    })

    test.each(['', '..', 'a/b', 'Upper', 'a.b', '-a', 'x'.repeat(65)])(
      'the upload id %j is refused everywhere',
      async (id) => {
        const refusal = { code: 'internal' }
        await expect(driver.stagedSize(id)).rejects.toMatchObject(refusal)
        await expect(driver.append(id, 0, streamOf('x'))).rejects.toMatchObject(refusal)
        await expect((async () => driver.readStaged(id))()).rejects.toMatchObject(refusal)
        await expect(driver.commit(id, 'a/data')).rejects.toMatchObject(refusal)
        await expect(driver.discard(id)).rejects.toMatchObject(refusal)
      },
    )

    test('a place in order says so and has a description', async () => {
      await driver.check()
      expect(driver.description).not.toBe('')
      expect(await allOf(driver.staged())).toEqual([])
    })

    test('nothing is left behind', async () => {
      await driver.write('a/b/data', streamOf('x'))
      await driver.append('upload-1', 0, streamOf('x'))
      await driver.commit('upload-1', 'a/c/data')
      await driver.append('upload-2', 0, streamOf('x'))
      await driver.discard('upload-2')
      await driver.remove('a/b/data')
      await driver.remove('a/c/data')
      expect(await allOf(driver.list(''))).toEqual([])
      expect(await allOf(driver.staged())).toEqual([])
    })
  })
}
