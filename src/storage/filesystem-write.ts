import type { ByteStream } from './driver.ts'
import { syncData, writeAll } from './filesystem-calls.ts'
import { abortable } from './streams.ts'

/** How a stream went to the disk. */
export interface Poured {
  /** The size of the file now, in bytes. */
  end: number
  /** Present when the stream failed or was aborted, with what it threw. What had arrived is in the file. */
  failure?: { reason: unknown }
}

const bufferBytes = 256 * 1024
const syncEveryBytes = 32 * 1024 * 1024
const pooledBuffers = 16

/**
 * Writes `bytes` to `fd` from `position` on. While one buffer goes to the disk the next is filled from the stream, so hashing in the
 * stream and writing overlap; memory is two buffers. Never more than one write at a time: a file cut short by a crash has no hole.
 * Rejects when the disk fails, and then what is in the file cannot be trusted. All writes have ended when it settles.
 */
export async function pour(fd: number, position: number, bytes: ByteStream, signal?: AbortSignal): Promise<Poured> {
  const sink = createSink(fd, position)
  try {
    let failure: Poured['failure']
    const chunks = abortable(bytes, signal)[Symbol.asyncIterator]()
    while (true) {
      let next: IteratorResult<Uint8Array>
      try {
        next = await chunks.next()
      } catch (reason) {
        failure = { reason }
        break
      }
      if (next.done) break
      try {
        await sink.add(next.value)
      } catch (error) {
        await chunks.return?.()
        throw error
      }
    }
    const end = await sink.flush()
    return failure ? { end, failure } : { end }
  } finally {
    await sink.release()
  }
}

function createSink(fd: number, start: number) {
  let filling = takeBuffer()
  let filled = 0
  let spare: Uint8Array | undefined
  let position = start
  let syncedTo = start
  let writing: Promise<void> | undefined
  let syncing: Promise<void> | undefined
  let trouble: { error: unknown } | undefined
  // Kept rather than left to reject: nobody may be waiting when it happens.
  const note = (error: unknown) => {
    trouble ??= { error }
  }

  async function settleWrite() {
    await writing
    if (trouble) throw trouble.error
  }

  async function handOver() {
    await settleWrite()
    const full = filling
    writing = writeAll(fd, full.subarray(0, filled), position).catch(note)
    position += filled
    filled = 0
    filling = spare ?? takeBuffer()
    spare = full
    // Starting write-back early leaves little to do for the sync that makes a large upload durable.
    if (!syncing && position - syncedTo >= syncEveryBytes) {
      syncedTo = position
      syncing = syncData(fd)
        .catch(note)
        .finally(() => {
          syncing = undefined
        })
    }
  }

  return {
    async add(chunk: Uint8Array) {
      for (let taken = 0; taken < chunk.byteLength; ) {
        const piece = chunk.subarray(taken, taken + filling.byteLength - filled)
        filling.set(piece, filled)
        filled += piece.byteLength
        taken += piece.byteLength
        if (filled === filling.byteLength) await handOver()
      }
    },
    async flush(): Promise<number> {
      if (filled > 0) await handOver()
      await syncing
      await settleWrite()
      return position
    },
    async release() {
      await Promise.all([writing, syncing])
      giveBuffer(filling)
      if (spare) giveBuffer(spare)
    },
  }
}

const pool: Uint8Array[] = []

function takeBuffer(): Uint8Array {
  return pool.pop() ?? Buffer.allocUnsafeSlow(bufferBytes)
}

function giveBuffer(buffer: Uint8Array): void {
  if (pool.length < pooledBuffers) pool.push(buffer)
}
