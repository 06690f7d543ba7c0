import type { ByteStream } from './driver.ts'

/** `bytes`, giving up as soon as `signal` is aborted, even while the next chunk is awaited. Rejects with the reason of the abort. */
export function abortable(bytes: ByteStream, signal: AbortSignal | undefined): ByteStream {
  if (!signal) return bytes
  return {
    [Symbol.asyncIterator]() {
      const iterator = bytes[Symbol.asyncIterator]()
      const stop = async (): Promise<IteratorResult<Uint8Array>> => {
        await iterator.return?.()
        return { done: true, value: undefined }
      }
      return { next: () => nextOrAbort(iterator, signal, stop), return: stop }
    },
  }
}

function nextOrAbort(
  iterator: AsyncIterator<Uint8Array>,
  signal: AbortSignal,
  stop: () => Promise<unknown>,
): Promise<IteratorResult<Uint8Array>> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      // A generator that waits for its client cannot be stopped before it wakes up, so nobody waits for that.
      // What goes wrong in its clean-up is of no interest: the abort is what gets reported.
      stop().catch(() => {})
      reject(signal.reason)
    }
    if (signal.aborted) {
      onAbort()
      return
    }
    signal.addEventListener('abort', onAbort, { once: true })
    iterator
      .next()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort))
  })
}
