import type { Hash } from 'node:crypto'
import { createHasher, type Digest, type DigestAlgorithm } from './digest.ts'

/** A hash on its way through an upload. */
export interface RunningHash {
  readonly algorithm: DigestAlgorithm
  /** Bytes hashed so far. */
  readonly size: number
  update(bytes: Uint8Array): void
  digest(): Digest
}

/** How many uploads' hashes are remembered between two requests; beyond that the oldest is forgotten and its bytes are read again. */
const capacity = 10_000

/** Remembers how far the bytes of each upload are hashed. A hash is taken out for a request and put back only when that ended well. */
export function createRunningHashes() {
  const waiting = new Map<string, RunningHash>()

  function fresh(algorithm: DigestAlgorithm): RunningHash {
    const { hash, digest }: { hash: Hash; digest: () => Digest } = createHasher(algorithm)
    let size = 0
    return {
      algorithm,
      get size() {
        return size
      },
      update(bytes) {
        hash.update(bytes)
        size += bytes.length
      },
      digest,
    }
  }

  return {
    fresh,
    /** The hash of the first `size` bytes, if it is at hand (it always is for none). Without an algorithm: whichever is running. */
    take(upload: string, size: number, algorithm?: DigestAlgorithm): RunningHash | undefined {
      const found = waiting.get(upload)
      waiting.delete(upload)
      if (found?.size === size && (!algorithm || found.algorithm === algorithm)) return found
      return size === 0 ? fresh(algorithm ?? 'sha256') : undefined
    },
    keep(upload: string, size: number, hash: RunningHash): void {
      if (hash.size !== size) return
      if (waiting.size >= capacity) waiting.delete(waiting.keys().next().value!)
      waiting.set(upload, hash)
    },
    forget(upload: string): void {
      waiting.delete(upload)
    },
  }
}
