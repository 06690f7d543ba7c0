import type { ByteStream } from './driver.ts'

/** `bytes`, giving up as soon as `signal` is aborted, even while the next chunk is awaited. Rejects with the reason of the abort. */
export function abortable(bytes: ByteStream, signal: AbortSignal | undefined): ByteStream {
  if (!signal) return bytes
  return { [Symbol.asyncIterator]: () => abortableIterator(bytes[Symbol.asyncIterator](), signal) }
}

/** Listens once for all chunks: with one listener for each, listening costs more than passing the chunk on. */
function abortableIterator(iterator: AsyncIterator<Uint8Array>, signal: AbortSignal): AsyncIterator<Uint8Array> {
  let giveUp: (() => void) | undefined
  const onAbort = () => giveUp?.()
  const leave = () => signal.removeEventListener('abort', onAbort)
  signal.addEventListener('abort', onAbort, { once: true })

  const stop = async (): Promise<IteratorResult<Uint8Array>> => {
    leave()
    await iterator.return?.()
    return { done: true, value: undefined }
  }

  function next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      giveUp = () => {
        // A generator that waits for its client cannot be stopped before it wakes up, so nobody waits for that.
        // What goes wrong in its clean-up is of no interest: the abort is what gets reported.
        stop().catch(() => {})
        reject(signal.reason)
      }
      if (signal.aborted) {
        giveUp()
        return
      }
      iterator.next().then(
        (step) => {
          giveUp = undefined
          if (step.done) leave()
          resolve(step)
        },
        (error) => {
          giveUp = undefined
          leave()
          reject(error)
        },
      )
    })
  }

  return { next, return: stop }
}
