import { AppError } from '../errors.ts'
import type { ByteStream, StorageDriver } from './driver.ts'
import { checkKey, checkPrefix, checkUploadId, spanOf } from './keys.ts'
import { abortable } from './streams.ts'

/** What an in-memory place holds. Two drivers given the same contents see the same place. */
export interface InMemoryContents {
  objects: Map<string, Piece>
  staged: Map<string, Piece>
}

interface Piece {
  bytes: Uint8Array
  modifiedAt: Date
}

/** An empty place. */
export function createInMemoryContents(): InMemoryContents {
  return { objects: new Map(), staged: new Map() }
}

const pieceBytes = 64 * 1024

/** Bytes in the memory of this process: for tests, and for trying things out. All is lost when the process ends. */
export function createInMemoryDriver(contents: InMemoryContents = createInMemoryContents()): StorageDriver {
  const { objects, staged } = contents

  return {
    description: 'inmemory',

    async stat(key, { signal } = {}) {
      signal?.throwIfAborted()
      const found = objects.get(checkKey(key))
      return found && { key, size: found.bytes.byteLength, modifiedAt: found.modifiedAt }
    },

    async read(key, range, { signal } = {}) {
      signal?.throwIfAborted()
      const found = objects.get(checkKey(key))
      if (!found) return undefined
      const { first, length } = spanOf(range, found.bytes.byteLength)
      return pieces(found.bytes.subarray(first, first + length), signal)
    },

    async write(key, bytes, { signal } = {}) {
      checkKey(key)
      signal?.throwIfAborted()
      const { piece, failure } = await gather(new Uint8Array(), bytes, signal)
      if (failure) throw failure.reason
      objects.set(key, piece)
      return { key, size: piece.bytes.byteLength, modifiedAt: piece.modifiedAt }
    },

    async remove(key) {
      objects.delete(checkKey(key))
    },

    async *list(prefix, { signal } = {}) {
      checkPrefix(prefix)
      for (const [key, { bytes, modifiedAt }] of objects) {
        signal?.throwIfAborted()
        if (key.startsWith(prefix)) yield { key, size: bytes.byteLength, modifiedAt }
      }
    },

    async stagedSize(upload) {
      return staged.get(checkUploadId(upload))?.bytes.byteLength
    },

    async append(upload, offset, bytes, { signal } = {}) {
      signal?.throwIfAborted()
      const before = staged.get(checkUploadId(upload))
      if (!before && offset > 0) throw uploadUnknown(upload)
      const size = before?.bytes.byteLength ?? 0
      if (offset > size) {
        throw new AppError('range-invalid', `cannot continue at byte ${offset}: ${size} are staged`, {
          detail: { size },
        })
      }
      const kept = before?.bytes.subarray(0, offset) ?? new Uint8Array()
      staged.set(upload, { bytes: kept, modifiedAt: new Date() })
      const show = (grown: Uint8Array) => staged.set(upload, { bytes: grown, modifiedAt: new Date() })
      const { piece, failure } = await gather(kept, bytes, signal, show)
      staged.set(upload, piece)
      if (failure) throw failure.reason
      return piece.bytes.byteLength
    },

    async readStaged(upload, { signal, offset = 0 } = {}) {
      signal?.throwIfAborted()
      const found = staged.get(checkUploadId(upload))
      return found && pieces(found.bytes.subarray(offset), signal)
    },

    async commit(upload, key) {
      checkKey(key)
      const found = staged.get(checkUploadId(upload))
      if (!found) throw uploadUnknown(upload)
      objects.set(key, found)
      staged.delete(upload)
    },

    async discard(upload) {
      staged.delete(checkUploadId(upload))
    },

    async *staged() {
      for (const [id, { bytes, modifiedAt }] of staged) yield { id, size: bytes.byteLength, modifiedAt }
    },

    async check() {},
    async close() {},
  }
}

/** `before` and all of `bytes` in one piece; with what the stream threw, if it did. `show` is told of what there is so far. */
async function gather(
  before: Uint8Array,
  bytes: ByteStream,
  signal: AbortSignal | undefined,
  show: (grown: Uint8Array) => void = () => {},
): Promise<{ piece: Piece; failure?: { reason: unknown } }> {
  let room = new Uint8Array(before)
  let size = before.byteLength
  let failure: { reason: unknown } | undefined
  try {
    for await (const chunk of abortable(bytes, signal)) {
      if (size + chunk.byteLength > room.byteLength) {
        const larger = new Uint8Array(Math.max(size + chunk.byteLength, 2 * room.byteLength))
        larger.set(room.subarray(0, size))
        room = larger
      }
      room.set(chunk, size)
      size += chunk.byteLength
      show(room.subarray(0, size))
    }
  } catch (reason) {
    failure = { reason }
  }
  const piece = { bytes: room.slice(0, size), modifiedAt: new Date() }
  return failure ? { piece, failure } : { piece }
}

async function* pieces(bytes: Uint8Array, signal: AbortSignal | undefined): ByteStream {
  for (let done = 0; done < bytes.byteLength; done += pieceBytes) {
    signal?.throwIfAborted()
    // A copy, so that a careless reader cannot change what is stored.
    yield bytes.slice(done, done + pieceBytes)
  }
}

function uploadUnknown(upload: string): AppError {
  return new AppError('upload-unknown', `nothing is staged for the upload ${upload}`)
}
