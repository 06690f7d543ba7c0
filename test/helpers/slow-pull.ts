import { createHash } from 'node:crypto'
import { connect } from 'node:net'

/** A pull that takes its time. */
export interface SlowPull {
  /** True when the server has ended it, whether at the end of the body or before. */
  ended(): boolean
  /** Reads the rest at full speed and returns the digest of the whole body. Throws when the connection breaks before that. */
  finish(): Promise<string>
  close(): void
}

const tickMs = 250

/**
 * Starts a GET over a connection of its own and reads about `bytesPerSecond` of the body. Resolves when the answer has begun.
 * Throws for any status but 200, and for an answer without a length.
 */
export function startSlowPull(port: number, path: string, bytesPerSecond: number): Promise<SlowPull> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const hash = createHash('sha256')
    let head = Buffer.alloc(0)
    let expected = -1
    let received = 0
    let fast = false
    let allowance = bytesPerSecond
    let gone = false
    let settle: { resolve: (digest: string) => void; reject: (error: Error) => void } | undefined

    const timer = setInterval(() => {
      // A chunk may be far larger than what one tick allows: it is then paid for by the next ones.
      allowance = Math.min(bytesPerSecond, allowance + bytesPerSecond * (tickMs / 1000))
      if (allowance > 0) socket.resume()
    }, tickMs)
    const digest = () => `sha256:${hash.copy().digest('hex')}`
    const take = (chunk: Buffer) => {
      hash.update(chunk)
      received += chunk.length
      allowance -= chunk.length
      if (received === expected) settle?.resolve(digest())
      else if (!fast && allowance <= 0) socket.pause()
    }

    socket.once('connect', () => socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`))
    socket.on('data', (chunk: Buffer) => {
      if (expected >= 0) return take(chunk)
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      const text = head.subarray(0, end).toString('latin1')
      const length = /^content-length: (\d+)/im.exec(text)?.[1]
      if (!text.startsWith('HTTP/1.1 200') || length === undefined) {
        socket.destroy()
        return reject(new Error(`a slow pull was answered with ${text}`))
      }
      expected = Number(length)
      resolve(pull)
      take(head.subarray(end + 4))
    })
    socket.once('error', (error) => {
      reject(error)
      settle?.reject(error)
    })
    socket.once('close', () => {
      gone = true
      clearInterval(timer)
      settle?.reject(new Error(`the connection ended after ${received} of ${expected} bytes`))
    })

    const pull: SlowPull = {
      ended: () => gone,
      finish: () =>
        new Promise((done, failed) => {
          settle = { resolve: done, reject: failed }
          if (received === expected) done(digest())
          else if (gone) failed(new Error(`the connection had ended after ${received} of ${expected} bytes`))
          fast = true
          socket.resume()
        }),
      close: () => socket.destroy(),
    }
  })
}
