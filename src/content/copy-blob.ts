import { AppError } from '../errors.ts'
import type { ByteStream, StorageDriver } from '../storage/driver.ts'
import { blobKey } from './blob-store.ts'
import { algorithmOf, createHasher, type Digest } from './digest.ts'

/**
 * Copies the bytes of a blob from one place to another; durable once resolved, and all or nothing. Throws `digest-invalid` when the bytes are missing or are
 * not those of the digest: nothing is there then.
 */
export async function copyBlob(
  from: StorageDriver,
  to: StorageDriver,
  digest: Digest,
  signal?: AbortSignal,
): Promise<void> {
  const key = blobKey(digest)
  const options = signal ? { signal } : {}
  const bytes = await from.read(key, undefined, options)
  if (!bytes) throw new AppError('digest-invalid', `the bytes of ${digest} are missing from ${from.description}`)
  await to.write(key, verified(bytes, digest, from.description), options)
}

/** Ends with an error instead of its end when the bytes are others: whoever writes them then keeps nothing. */
async function* verified(bytes: ByteStream, digest: Digest, where: string): ByteStream {
  const hasher = createHasher(algorithmOf(digest))
  for await (const chunk of bytes) {
    hasher.hash.update(chunk)
    yield chunk
  }
  const found = hasher.digest()
  if (found === digest) return
  throw new AppError('digest-invalid', `the bytes of ${digest} in ${where} have changed: they are those of ${found}`)
}
