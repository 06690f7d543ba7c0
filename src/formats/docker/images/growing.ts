import { AppError } from '../../../errors.ts'
import { type ByteRange, type ByteStream, stagingLagBytes } from '../../../storage/driver.ts'

export interface GrowingParts {
  /** Of all there will be; undefined when unknown: then nothing can be read before it is verified. */
  size: number | undefined
  /** What is staged from a byte on, as far as it has come; undefined when it was moved away. */
  staged(offset: number): Promise<ByteStream | undefined>
  /** What was stored in the end. */
  stored(range: ByteRange | undefined): Promise<ByteStream>
  /** How many bytes may wait in memory to be staged, besides the latest piece. */
  aheadBytes(): number
}

/** Bytes that arrive once and are read by many, each at its own pace. */
export interface Growing {
  /** Takes the next piece, which nobody may change any more; held in memory until it is staged. Resolves when there is room for more. Throws what `end` was told. */
  add(piece: Uint8Array): Promise<void>
  /** All pieces have come. `isRight`: they are the ones that were wanted, and readers may have the last byte, too. */
  complete(isRight: boolean): void
  /** No more pieces come. Those that did are still handed to who stages them, who then gets the error. */
  broken(error: unknown): void
  /** The pieces for the one who stages them. */
  pieces(): ByteStream
  /** All bytes are stored; or (with an error) there will be no more. */
  end(error?: unknown): void
  /**
   * The bytes as they come, all of them or a part. The last byte comes only after all were found right. Readers that keep up are served from memory, the others
   * from what is staged: none of them holds up the arrival or another one. Throws what `end` was told.
   */
  read(range?: ByteRange): ByteStream
}

export function createGrowing({ size, staged, stored, aheadBytes }: GrowingParts): Growing {
  /** The latest bytes, at least those that may not be readable where they are staged. */
  const tail: { start: number; bytes: Uint8Array }[] = []
  let arrived = 0
  /** Where the piece that was last handed to who stages them begins, and where it ends. */
  let handed = { start: 0, end: 0 }
  let arrival: 'going on' | 'complete' | { error: unknown } = 'going on'
  let isVerified = false
  let outcome: { error: unknown } | 'stored' | undefined
  const change = createBell()
  const room = createBell()

  /** So many bytes may be given out: never all before they are verified. */
  const limit = () => (isVerified ? arrived : Math.min(arrived, (size ?? 1) - 1))

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
    async add(piece) {
      tail.push({ start: arrived, bytes: piece })
      arrived += piece.length
      change.ring()
      while (!outcome && arrived - piece.length - handed.end > aheadBytes()) await room.rung()
      if (typeof outcome === 'object') throw outcome.error
    },

    complete(isRight) {
      arrival = 'complete'
      isVerified = isRight
      change.ring()
    },

    broken(error) {
      arrival = { error }
      change.ring()
    },

    async *pieces() {
      for (;;) {
        const next = change.rung()
        const bytes = handed.end < arrived ? recent(handed.end) : undefined
        if (bytes) {
          handed = { start: handed.end, end: handed.end + bytes.length }
          while (tail[0]!.start + tail[0]!.bytes.length <= handed.start - stagingLagBytes) tail.shift()
          room.ring()
          yield bytes
        } else if (typeof arrival === 'object') throw arrival.error
        else if (arrival === 'complete') return
        else await next
      }
    },

    end(error) {
      outcome = error === undefined ? 'stored' : { error }
      tail.length = 0
      change.ring()
      room.ring()
    },

    async *read(range) {
      const end = range ? range.last + 1 : (size ?? Number.POSITIVE_INFINITY)
      let at = range?.first ?? 0
      for (;;) {
        if (outcome === 'stored') {
          const rest = { first: at, last: range?.last ?? (size ?? arrived) - 1 }
          yield* await stored(at === 0 && !range ? undefined : rest)
          return
        }
        if (outcome) throw outcome.error
        const before = at
        const next = change.rung()
        const fresh = at < limit() ? recent(at) : undefined
        if (fresh) {
          const piece = fresh.subarray(0, Math.min(limit(), end) - at)
          at += piece.length
          yield piece
        } else if (at < limit()) {
          for await (const chunk of earlier(at)) {
            const piece = chunk.subarray(0, Math.min(limit(), end) - at)
            at += piece.length
            if (piece.length > 0) yield piece
            if (piece.length < chunk.length) break
          }
        }
        if (at > 0 && at >= end) return
        if (at === before) await next
      }
    },
  }
}

/** Wakes all who wait for something to change. */
function createBell() {
  let next = Promise.withResolvers<void>()
  return {
    ring(): void {
      const { resolve } = next
      next = Promise.withResolvers()
      resolve()
    },
    rung: (): Promise<void> => next.promise,
  }
}
