import { describe, expect, test } from 'bun:test'
import { noise } from './noise.ts'
import { digestOf } from './oci.ts'

describe('noise', () => {
  test('is the same for the same seed and differs for another', () => {
    expect(noise('a', 100).bytes()).toEqual(noise('a', 100).bytes())
    expect(noise('a', 100).digest).not.toBe(noise('b', 100).digest)
  })

  test('has the digest of its bytes', () => {
    const some = noise(1, 3_000_001)
    expect(some.digest).toBe(digestOf(some.bytes()))
  })

  test('can be made from any byte to any byte', async () => {
    const whole = noise('part', 3_000_000)
    const parts: Uint8Array[] = []
    for await (const chunk of whole.stream(1_048_577, 2_999_990)) parts.push(chunk)
    expect(Buffer.concat(parts).equals(Buffer.from(whole.bytes().subarray(1_048_577, 2_999_991)))).toBe(true)
  })
})
