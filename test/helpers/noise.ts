import { createCipheriv, createHash } from 'node:crypto'

/** Bytes that look random, are the same in every run for the same seed, and are never held in memory whole. */
export interface Noise {
  /** Bytes. */
  readonly size: number
  /** `sha256:...`. Computed on first use, at about 1 GB/s. */
  readonly digest: string
  /** The bytes from `first` (default 0) to the end, or up to and including `last`. */
  stream(first?: number, last?: number): AsyncGenerator<Uint8Array<ArrayBuffer>>
  /** The same bytes at once. For sizes that fit in memory. */
  bytes(): Uint8Array<ArrayBuffer>
}

const block = 16
const chunkSize = 1 << 20
const zeros = new Uint8Array(chunkSize)

/** Noise made by AES-CTR, so that any part of it can be made without what comes before. */
export function noise(seed: string | number, size: number): Noise {
  const key = createHash('sha256').update(`noise ${seed}`).digest().subarray(0, 16)
  let digest: string | undefined

  function* chunks(first = 0, last = size - 1): Generator<Uint8Array<ArrayBuffer>> {
    const counter = Buffer.alloc(block)
    counter.writeBigUInt64BE(BigInt(Math.floor(first / block)), 8)
    const cipher = createCipheriv('aes-128-ctr', key, counter)
    cipher.update(zeros.subarray(0, first % block))
    for (let left = last + 1 - first; left > 0; left -= chunkSize) {
      yield new Uint8Array(cipher.update(zeros.subarray(0, Math.min(left, chunkSize))))
    }
  }

  return {
    size,
    get digest() {
      if (digest === undefined) {
        const hash = createHash('sha256')
        for (const chunk of chunks()) hash.update(chunk)
        digest = `sha256:${hash.digest('hex')}`
      }
      return digest
    },
    async *stream(first, last) {
      yield* chunks(first, last)
    },
    bytes() {
      const whole = new Uint8Array(size)
      let at = 0
      for (const chunk of chunks()) {
        whole.set(chunk, at)
        at += chunk.length
      }
      return whole
    },
  }
}
