import { AppError } from '../../../errors.ts'
import { type ByteRange, type ByteStream, stagingLagBytes } from '../../../storage/driver.ts'

export interface GrowingParts {
  /** Of all there will be; undefined when unknown. */
  size: number | undefined
  /** What is staged from a byte on, as far as it has come; undefined when it was moved away. */
  staged(offset: number): Promise<ByteStream | undefined>
  /** What was stored in the end. */
  stored(range: ByteRange | undefined): Promise<ByteStream>
}

/** Bytes that arrive once and are read by many, each at its own pace. */
export interface Growing {
  /** Passes the bytes on to whoever stages them, and lets readers have them. */
  watch(bytes: ByteStream): ByteStream
  /** All bytes have come and are right: readers may have the last one, too. */
  verified(): void
  /** All bytes are stored; or (with an error) there will be no more. */
  end(error?: unknown): void
  /**
   * The bytes as they come, all of them or a part. The last byte comes only after `verified`. Readers that keep up are served from memory, the others from what is
   * staged: none of them holds up the arrival or another one. Chunks stay valid. Throws what `end` was told.
   */
  read(range?: ByteRange): AsyncGenerator<Uint8Array>
}

export function createGrowing({ size, staged, stored }: GrowingParts): Growing {
  /** The latest bytes, at least those that may not be readable where they are staged. */
  const tail: { start: number; bytes: Uint8Array }[] = []
  let arrived = 0
  let handed = 0
  let isVerified = false
  let outcome: { error: unknown } | 'stored' | undefined
  let change = Promise.withResolvers<void>()

  function wake(): void {
    const { resolve } = change
    change = Promise.withResolvers()
    resolve()
  }

  /** So many bytes may be given out: never all before they are verified. */
  const limit = () => (isVerified ? arrived : size === undefined ? handed : Math.min(arrived, size - 1))

  function recent(at: number): Uint8Array | undefined {
    for (let index = tail.length - 1; index >= 0; index--) {
      const { start, bytes } = tail[index]!
      if (at >= start) return at < start + bytes.length ? bytes.subarray(at - start) : undefined
    }
    return undefined
  }

  async function* earlier(at: number): ByteStream & AsyncGenerator<Uint8Array> {
    try {
      yield* (await staged(at)) ?? []
    } catch (error) {
      // Moved away between two looks: it is where it belongs in a moment.
      if (!(error instanceof AppError) || error.code !== 'unavailable') throw error
    }
  }

  return {
    async *watch(bytes) {
      for await (const chunk of bytes) {
        tail.push({ start: arrived, bytes: new Uint8Array(chunk) })
        handed = arrived
        arrived += chunk.length
        while (tail[0]!.start + tail[0]!.bytes.length <= handed - stagingLagBytes) tail.shift()
        wake()
        yield chunk
      }
    },

    verified() {
      isVerified = true
      wake()
    },

    end(error) {
      outcome = error === undefined ? 'stored' : { error }
      tail.length = 0
      wake()
    },

    async *read(range) {
      const end = range ? range.last + 1 : (size ?? Number.POSITIVE_INFINITY)
      let at = range?.first ?? 0
      for (;;) {
        if (outcome === 'stored') {
          const rest = { first: at, last: range?.last ?? (size ?? arrived) - 1 }
          for await (const chunk of await stored(at === 0 && !range ? undefined : rest)) yield new Uint8Array(chunk)
          return
        }
        if (outcome) throw outcome.error
        const before = at
        const next = change.promise
        const fresh = at < limit() ? recent(at) : undefined
        if (fresh) {
          const piece = fresh.subarray(0, Math.min(limit(), end) - at)
          at += piece.length
          yield piece
        } else if (at < limit()) {
          for await (const chunk of earlier(at)) {
            const piece = chunk.subarray(0, Math.min(limit(), end) - at)
            at += piece.length
            if (piece.length > 0) yield new Uint8Array(piece)
            if (piece.length < chunk.length) break
          }
        }
        if (at > 0 && at >= end) return
        if (at === before) await next
      }
    },
  }
}
