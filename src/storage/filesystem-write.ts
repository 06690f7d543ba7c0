import { type ByteStream, stagingLagBytes } from './driver.ts'
import { syncData, writeAllOf } from './filesystem-calls.ts'
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
/** For chunks that last, as those of a download: whoever reads it does not wait for the sync, and would share disk and processor with it. */
const lastingSyncEveryBytes = 256 * 1024 * 1024
/** So much at once of chunks that last: as much may be on its way to the disk while as much again is gathered. */
const passedBytes = stagingLagBytes / 2
const pooledBuffers = 16

/** How a stream is to be written. */
export interface PourOptions {
  signal?: AbortSignal | undefined
  /** Chunks stay as they are after the next is asked for: they are written as they come, without a copy. */
  lasting?: boolean | undefined
}

/**
 * Writes `bytes` to `fd` from `position` on. While one buffer goes to the disk the next is filled from the stream, so hashing in the
 * stream and writing overlap; memory is two buffers. Never more than one write at a time: a file cut short by a crash has no hole.
 * Rejects when the disk fails, and then what is in the file cannot be trusted. All writes have ended when it settles.
 */
export async function pour(
  fd: number,
  position: number,
  bytes: ByteStream,
  { signal, lasting }: PourOptions = {},
): Promise<Poured> {
  const sink = lasting ? createPassingSink(fd, position) : createCopyingSink(fd, position)
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

interface Sink {
  add(chunk: Uint8Array): Promise<void>
  /** Resolves with the size of the file once all is written. */
  flush(): Promise<number>
  release(): Promise<void>
}

/** Gathers chunks in buffers of its own, and writes one while it fills the other. */
function createCopyingSink(fd: number, start: number): Sink {
  const line = createWriteLine(fd, start, syncEveryBytes)
  let filling = takeBuffer()
  let filled = 0
  let spare: Uint8Array | undefined

  async function handOver() {
    await line.settle()
    const full = filling
    line.write([full.subarray(0, filled)], filled)
    filled = 0
    filling = spare ?? takeBuffer()
    spare = full
  }

  return {
    async add(chunk) {
      for (let taken = 0; taken < chunk.byteLength; ) {
        const piece = chunk.subarray(taken, taken + filling.byteLength - filled)
        filling.set(piece, filled)
        filled += piece.byteLength
        taken += piece.byteLength
        if (filled === filling.byteLength) await handOver()
      }
    },
    async flush() {
      if (filled > 0) await handOver()
      return line.end()
    },
    async release() {
      await line.idle()
      giveBuffer(filling)
      if (spare) giveBuffer(spare)
    },
  }
}

/** Writes chunks as they are, several at a time when they are small. */
function createPassingSink(fd: number, start: number): Sink {
  const line = createWriteLine(fd, start, lastingSyncEveryBytes)
  let waiting: Uint8Array[] = []
  let bytes = 0

  async function handOver() {
    await line.settle()
    const size = bytes
    line.write(waiting, size)
    waiting = []
    bytes = 0
    // What is on its way to the disk and what waits stay below the lag that readers of a staged upload are told.
    if (size > passedBytes) await line.settle()
  }

  return {
    async add(chunk) {
      if (chunk.byteLength === 0) return
      if (bytes > 0 && bytes + chunk.byteLength > passedBytes) await handOver()
      waiting.push(chunk)
      bytes += chunk.byteLength
      if (bytes >= passedBytes) await handOver()
    },
    async flush() {
      if (bytes > 0) await handOver()
      return line.end()
    },
    release: line.idle,
  }
}

/** Writes to one file, one after the other, and has the disk begin with them every `syncEvery` bytes. */
function createWriteLine(fd: number, start: number, syncEvery: number) {
  let position = start
  let syncedTo = start
  let writing: Promise<void> | undefined
  let syncing: Promise<void> | undefined
  let trouble: { error: unknown } | undefined
  // Kept rather than left to reject: nobody may be waiting when it happens.
  const note = (error: unknown) => {
    trouble ??= { error }
  }

  async function settle(): Promise<void> {
    await writing
    if (trouble) throw trouble.error
  }

  return {
    /** Resolves once what was given to `write` is in the file. */
    settle,
    /** Begins to write `parts`, `bytes` in all. Only after `settle`. */
    write(parts: Uint8Array[], bytes: number): void {
      writing = writeAllOf(fd, parts, position).catch(note)
      position += bytes
      // Starting write-back early leaves little to do for the sync that makes a large upload durable.
      if (!syncing && position - syncedTo >= syncEvery) {
        syncedTo = position
        syncing = syncData(fd)
          .catch(note)
          .finally(() => {
            syncing = undefined
          })
      }
    },
    /** As `settle`, of all there is; resolves with the size of the file. */
    async end(): Promise<number> {
      await syncing
      await settle()
      return position
    },
    /** Resolves when nothing is under way any more, however it ended. */
    async idle(): Promise<void> {
      await Promise.all([writing, syncing])
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
