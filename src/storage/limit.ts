import type { ByteStream, StorageDriver } from './driver.ts'

/**
 * At most `slots` heavy calls work in the place at one moment; others wait their turn, first come first served. Heavy are `read`, `readStaged`, `write`,
 * `append`, `commit`, `list` and `staged`; the rest passes.
 *
 * A slot is held while the driver works, never while somebody else is waited for: it is given back while an upload's next bytes are awaited,
 * and while the reader of a stream is busy with a chunk. So neither slow clients nor idle readers use up the slots, and copying from a place to
 * itself cannot wait for its own slot. (A driver that writes one buffer while it pulls the next may have that write on top.)
 */
export function withLimit(driver: StorageDriver, slots: number): StorageDriver {
  const gate = createGate(slots)

  async function* steps<T>(items: AsyncIterable<T>, signal?: AbortSignal): AsyncGenerator<T> {
    const iterator = items[Symbol.asyncIterator]()
    try {
      while (true) {
        const step = await gate.run(() => iterator.next(), signal)
        if (step.done) return
        yield step.value
      }
    } finally {
      await iterator.return?.()
    }
  }

  async function readSteps(open: () => Promise<ByteStream | undefined>, signal?: AbortSignal) {
    const stream = await gate.run(open, signal)
    return stream && steps(stream, signal)
  }

  return {
    ...driver,
    read: (key, range, call) => readSteps(() => driver.read(key, range, call), call?.signal),
    readStaged: (upload, call) => readSteps(() => driver.readStaged(upload, call), call?.signal),
    write: (key, bytes, call) => gate.feed(bytes, (fed) => driver.write(key, fed, call), call?.signal),
    append: (upload, offset, bytes, call) =>
      gate.feed(bytes, (fed) => driver.append(upload, offset, fed, call), call?.signal),
    commit: (upload, key) => gate.run(() => driver.commit(upload, key)),
    list: (prefix, call) => steps(driver.list(prefix, call), call?.signal),
    staged: () => steps(driver.staged()),
  }
}

function createGate(slots: number) {
  if (!Number.isSafeInteger(slots) || slots < 1)
    throw new RangeError(`slots must be a whole number from 1 on, not ${slots}`)
  let free = slots
  const waiting: (() => void)[] = []

  function acquire(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (free > 0) {
      free--
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        waiting.splice(waiting.indexOf(enter), 1)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', leave, { once: true })
      waiting.push(enter)
    })
  }

  function release(): void {
    const enter = waiting.shift()
    if (enter) enter()
    else free++
  }

  async function run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await acquire(signal)
    try {
      return await work()
    } finally {
      release()
    }
  }

  /** Runs `work` in a slot that is free for others whenever `work` waits for `bytes`. */
  async function feed<T>(bytes: ByteStream, work: (fed: ByteStream) => Promise<T>, signal?: AbortSignal): Promise<T> {
    let isHeld = false
    let isOver = false
    const take = async () => {
      if (isOver) return
      await acquire(signal)
      isHeld = true
      // The call ended while its stream was still awaited: nobody is left to give this back.
      if (isOver) drop()
    }
    const drop = () => {
      if (isHeld) release()
      isHeld = false
    }
    async function* fed(): ByteStream {
      const iterator = bytes[Symbol.asyncIterator]()
      let isDone = false
      try {
        while (true) {
          drop()
          let step: IteratorResult<Uint8Array>
          try {
            step = await iterator.next()
          } catch (error) {
            isDone = true
            await take()
            throw error
          }
          isDone = step.done === true
          await take()
          if (step.done) return
          yield step.value
        }
      } finally {
        if (!isDone) await iterator.return?.()
      }
    }
    await take()
    try {
      return await work(fed())
    } finally {
      isOver = true
      drop()
    }
  }

  return { run, feed }
}
