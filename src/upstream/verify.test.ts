import { describe, expect, test } from 'bun:test'
import { reusingBuffer } from '../../test/helpers/streams.ts'
import { createHasher, digestOf } from '../content/digest.ts'
import { verified } from './verify.ts'

const content = Buffer.from('a blob that came from far away')
const digest = digestOf(content)

/** What got through, and how it ended. */
async function pass(bytes: AsyncIterable<Uint8Array>): Promise<{ got: string; error: unknown }> {
  let got = ''
  try {
    for await (const chunk of bytes) got += Buffer.from(chunk).toString()
  } catch (error) {
    return { got, error }
  }
  return { got, error: undefined }
}

for (const size of [content.length, undefined]) {
  describe(`verified, with the size ${size === undefined ? 'not known' : 'known'}`, () => {
    test('passes the right bytes on, also when the sender reuses its buffer', async () => {
      expect(await pass(verified(reusingBuffer(content, 7), digest, { size }))).toEqual({
        got: content.toString(),
        error: undefined,
      })
    })

    test('holds back the last of the wrong bytes', async () => {
      const wrong = Buffer.from(content)
      wrong[0]! ^= 1
      const { got, error } = await pass(verified(reusingBuffer(wrong, 7), digest, { size }))
      expect(error).toMatchObject({ code: 'upstream-failed', detail: { digest, got: digestOf(wrong) } })
      expect(got.length).toBeLessThan(content.length)
    })

    test('does not take less for the whole', async () => {
      const { error } = await pass(verified(reusingBuffer(content.subarray(0, 20), 7), digest, { size }))
      expect(error).toMatchObject({ code: 'upstream-failed' })
    })

    test('verifies what begins in the middle with a hash of what came before', async () => {
      const hasher = createHasher('sha256')
      hasher.hash.update(content.subarray(0, 10))
      const rest = verified(reusingBuffer(content.subarray(10), 7), digest, { size, hasher, start: 10 })
      expect(await pass(rest)).toEqual({ got: content.subarray(10).toString(), error: undefined })
    })
  })
}

test('an empty blob is verified, too', async () => {
  const empty = digestOf(new Uint8Array())
  expect(await pass(verified(reusingBuffer(new Uint8Array(), 7), empty, { size: 0 }))).toEqual({
    got: '',
    error: undefined,
  })
  expect((await pass(verified(reusingBuffer(new Uint8Array(), 7), digest))).error).toMatchObject({
    code: 'upstream-failed',
  })
})

test('ends once the size is reached', async () => {
  const more = Buffer.concat([content, Buffer.from('more')])
  const { got, error } = await pass(verified(reusingBuffer(more, content.length), digest, { size: content.length }))
  expect({ got, error }).toEqual({ got: content.toString(), error: undefined })
})
