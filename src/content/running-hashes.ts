import type { Hash } from 'node:crypto'
import { createHasher, type Digest, type DigestAlgorithm } from './digest.ts'

/** A hash on its way through an upload. */
export interface RunningHash {
  readonly algorithm: DigestAlgorithm
  /** Bytes hashed so far. */
  readonly size: number
  update(bytes: Uint8Array): void
  /** Of all bytes; none can be taken in after that. */
  digest(): Digest
}

/** A hash that has taken in nothing yet. */
export function createRunningHash(algorithm: DigestAlgorithm): RunningHash {
  const { hash, digest }: { hash: Hash; digest: () => Digest } = createHasher(algorithm)
  let size = 0
  let found: Digest | undefined
  return {
    algorithm,
    get size() {
      return size
    },
    update(bytes) {
      hash.update(bytes)
      size += bytes.length
    },
    digest() {
      found ??= digest()
      return found
    },
  }
}

/** How many uploads' hashes are remembered between two requests; beyond that the oldest is forgotten and its bytes are read again. */
const capacity = 10_000

/**
 * Remembers how far the bytes of each upload are hashed. A hash is taken out for a request and put back only when that ended well. It is good
 * only as long as nobody else has written to the upload, which is what `writer`, the last one known for it, tells.
 */
export function createRunningHashes() {
  const waiting = new Map<string, { writer: string | null; hash: RunningHash }>()

  return {
    /** The hash of the first `size` bytes, if it is at hand (it always is for none). Without an algorithm: whichever is running. */
    take(upload: string, writer: string | null, size: number, algorithm?: DigestAlgorithm): RunningHash | undefined {
      const found = waiting.get(upload)
      waiting.delete(upload)
      const isGood = found?.writer === writer && found.hash.size === size
      if (isGood && (!algorithm || found.hash.algorithm === algorithm)) return found.hash
      return size === 0 ? createRunningHash(algorithm ?? 'sha256') : undefined
    },
    keep(upload: string, writer: string | null, size: number, hash: RunningHash): void {
      if (hash.size !== size) return
      if (waiting.size >= capacity) waiting.delete(waiting.keys().next().value!)
      waiting.set(upload, { writer, hash })
    },
    forget(upload: string): void {
      waiting.delete(upload)
    },
  }
}
