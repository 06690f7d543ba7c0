import { algorithmOf, createHasher, type Digest } from '../content/digest.ts'
import { AppError } from '../errors.ts'
import type { ByteStream } from '../storage/driver.ts'

export interface VerifyOptions {
  /** All bytes there will be, those before the stream included; undefined when unknown. */
  size?: number | undefined
  /** Has taken in the bytes before the stream already, `start` of them. */
  hasher?: ReturnType<typeof createHasher> | undefined
  start?: number | undefined
  /** Names the sender in the error. Default: the upstream. */
  from?: string | undefined
}

/**
 * Passes bytes on and throws `upstream-failed` when they are not those of the digest, always before the last chunk: a receiver that counts bytes never
 * has all of the wrong ones. Ends once `size` is reached.
 */
export async function* verified(
  bytes: ByteStream,
  digest: Digest,
  options: VerifyOptions = {},
): AsyncGenerator<Uint8Array> {
  const { size, hasher = createHasher(algorithmOf(digest)), start = 0, from = 'the upstream' } = options
  const check = () => {
    const got = hasher.digest()
    if (got === digest) return
    throw new AppError('upstream-failed', `${from} sent other bytes than those of ${digest}`, {
      detail: { digest, got, size: passed },
    })
  }
  let passed = start
  let held: Uint8Array | undefined
  for await (const chunk of bytes) {
    if (chunk.length === 0) continue
    hasher.hash.update(chunk)
    passed += chunk.length
    if (size === undefined) {
      if (held) yield held
      held = Uint8Array.from(chunk) // a chunk is only lent until the next is asked for
      continue
    }
    if (passed >= size) {
      check()
      yield chunk
      return
    }
    yield chunk
  }
  check()
  if (held) yield held
}
