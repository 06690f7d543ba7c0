import { createHash, type Hash } from 'node:crypto'
import type { ByteStream } from '../../src/storage/driver.ts'

/** `text` as one chunk. */
export async function* streamOf(text: string): ByteStream {
  yield new TextEncoder().encode(text)
}

/** `bytes` in chunks of `chunkBytes`, all in one buffer that is scribbled over as soon as the next chunk is asked for. */
export async function* reusingBuffer(bytes: Uint8Array, chunkBytes: number): ByteStream {
  const buffer = Buffer.alloc(chunkBytes)
  for (let done = 0; done < bytes.byteLength; done += chunkBytes) {
    const piece = bytes.subarray(done, done + chunkBytes)
    buffer.set(piece)
    yield buffer.subarray(0, piece.byteLength)
    buffer.fill(0xee)
  }
}

/** `text`, and then a failure instead of the end. */
export async function* failingAfter(text: string, error: Error): ByteStream {
  yield* streamOf(text)
  throw error
}

/** `text`, and then nothing more, for ever. `isWaiting` resolves when the next bytes are asked for. */
export function stuckAfter(text: string): { bytes: ByteStream; isWaiting: Promise<void> } {
  const { promise: isWaiting, resolve } = Promise.withResolvers<void>()
  async function* bytes(): ByteStream {
    yield* streamOf(text)
    resolve()
    await new Promise(() => {})
  }
  return { bytes: bytes(), isWaiting }
}

/** Everything in `stream`, as text. */
export async function textOf(stream: ByteStream | undefined): Promise<string | undefined> {
  return stream && Buffer.from(await bytesOf(stream)).toString()
}

/** Everything in `stream`, copied. */
export async function bytesOf(stream: ByteStream): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(new Uint8Array(chunk))
  return Buffer.concat(chunks)
}

/** The hex digest of everything in `stream`. */
export async function sha256Of(stream: ByteStream): Promise<string> {
  const hash: Hash = createHash('sha256')
  for await (const chunk of stream) hash.update(chunk)
  return hash.digest('hex')
}

/** `size` bytes that look random and are the same each time. */
export function patternOf(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size)
  let state = seed
  for (let index = 0; index < size; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[index] = state >>> 24
  }
  return bytes
}

/** All items. */
export async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
