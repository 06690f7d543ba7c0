import type { Server } from 'bun'
import { AppError } from '../errors.ts'
import type { ByteStream } from '../storage/driver.ts'
import type { CacheResult } from '../telemetry/proxy-metrics.ts'
import type { Forwarded } from './forwarded.ts'
import type { Incoming, Origin } from './incoming.ts'
import { plainIPv4 } from './networks.ts'

/** What every request of one listener shares. */
export interface ListenerContext {
  forwarded: Forwarded
  encrypted: boolean
  /** Path prefix to take off, without a slash at the end; empty for none. */
  prefix: string
  /** Seconds without a byte after which an upload is given up. */
  watchdogSeconds: number
  /** Idle time for requests that are not in a hurry; 0 where the kernel watches dead readers, else the longest that the runtime knows. */
  unhurriedSeconds: number
}

const idPattern = /^[\w.:+/=-]{1,128}$/
const idPrefix = crypto.randomUUID().slice(0, 13)
let idCount = 0

/** A request of `Bun.serve`. Made for every request on the hot path, so everything is worked out on first use. */
export class ListenerIncoming implements Incoming {
  readonly method: string
  readonly path: string
  readonly headers: Headers
  user: string | undefined
  route: string | undefined
  cache: CacheResult | undefined
  readonly #request: Request
  readonly #server: Server<undefined>
  readonly #context: ListenerContext
  readonly #url: string
  /** Where the path begins in `#url`. */
  readonly #start: number
  #queryStart: number
  #id: string | undefined
  #peer: string | undefined
  #query: URLSearchParams | undefined
  #origin: Origin | undefined

  constructor(request: Request, server: Server<undefined>, context: ListenerContext) {
    this.#request = request
    this.#server = server
    this.#context = context
    this.method = request.method
    this.headers = request.headers
    const url = request.url
    this.#url = url
    // Without a Host header, which HTTP/1.0 does not demand and health checks leave out, the runtime gives the target alone.
    const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3)
    this.#start = start
    this.#queryStart = url.indexOf('?', start)
    const path = start < 0 ? '/' : this.#queryStart < 0 ? url.slice(start) : url.slice(start, this.#queryStart)
    const { prefix } = context
    this.path =
      prefix !== '' && path.startsWith(prefix) && path[prefix.length] === '/' ? path.slice(prefix.length) : path
  }

  get id(): string {
    if (this.#id === undefined) {
      const given = this.headers.get('x-request-id')
      this.#id = given !== null && idPattern.test(given) ? given : `${idPrefix}-${(idCount++).toString(36)}`
    }
    return this.#id
  }

  get target(): string {
    return this.#url.slice(this.#start)
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.#queryStart < 0 ? '' : this.#url.slice(this.#queryStart + 1))
    return this.#query
  }

  get origin(): Origin {
    this.#origin ??= this.#context.forwarded.origin(this.peerAddress, this.headers, this.#context.encrypted)
    return this.#origin
  }

  get peerAddress(): string {
    this.#peer ??= plainIPv4(this.#server.requestIP(this.#request)?.address ?? '')
    return this.#peer
  }

  get clientAddress(): string {
    return this.#context.forwarded.clientAddress(this.peerAddress, this.headers)
  }

  get signal(): AbortSignal {
    return this.#request.signal
  }

  body(): ByteStream {
    const stream = this.#request.body
    if (stream === null) return nothing()
    this.unhurried()
    return this.#watched(stream)
  }

  async bodyWhole(maxBytes: number, tooLarge: () => Error): Promise<Uint8Array> {
    const announced = Number(this.headers.get('content-length') ?? 0)
    if (announced > maxBytes) throw tooLarge()
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of this.body()) {
      size += chunk.length
      if (size > maxBytes) throw tooLarge()
      chunks.push(chunk)
    }
    return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, size)
  }

  unhurried(): void {
    this.#server.timeout(this.#request, this.#context.unhurriedSeconds)
  }

  /** Only the time spent waiting for the client counts: a slow disk on our side is not the client's silence. */
  async *#watched(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
    const reader = stream.getReader()
    const limitMs = this.#context.watchdogSeconds * 1000
    let waitingSince = 0
    let isSilent = false
    const timer = setInterval(() => {
      if (waitingSince === 0 || performance.now() - waitingSince < limitMs) return
      isSilent = true
      // Ends the read below. (Racing every read against one long-lived promise would keep a record of each chunk until the end.)
      reader.cancel().catch(() => {})
    }, limitMs / 8)
    let isDone = false
    try {
      for (;;) {
        waitingSince = performance.now()
        const { done, value } = await reader.read()
        waitingSince = 0
        if (isSilent) throw this.#silent()
        if (done) {
          isDone = true
          return
        }
        yield value
      }
    } catch (error) {
      throw error instanceof AppError ? error : this.#brokenOff(error)
    } finally {
      clearInterval(timer)
      if (!isDone) reader.cancel().catch(() => {}) // The rest is unwanted; that it cannot be cancelled any more is no news.
    }
  }

  #silent(): AppError {
    // The client may be gone without a word: let the connection end soon after the answer.
    this.#server.timeout(this.#request, 10)
    const seconds = this.#context.watchdogSeconds
    return new AppError('request-invalid', `no byte of the request body arrived for ${seconds} seconds; send it again`)
  }

  #brokenOff(cause: unknown): AppError {
    return new AppError('request-invalid', 'the client broke off while sending the request body', { cause })
  }
}

async function* nothing(): ByteStream & AsyncGenerator<Uint8Array> {}
