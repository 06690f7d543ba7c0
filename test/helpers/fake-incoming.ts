import { AppError } from '../../src/errors.ts'
import type { Incoming, Origin } from '../../src/http/incoming.ts'
import type { ByteStream } from '../../src/storage/driver.ts'
import { reusingBuffer } from './streams.ts'

/** What a request without a socket may have besides method, target and headers. */
export interface FakeRequest {
  /** Text and bytes come with a `Content-Length` as from a client that knows it; a stream comes without one, as chunked. */
  body?: string | Uint8Array | ByteStream | undefined
  origin?: Partial<Origin> | undefined
  clientAddress?: string | undefined
  /** Default: the client itself. */
  peerAddress?: string | undefined
  signal?: AbortSignal | undefined
}

const chunkBytes = 65_536

/** A request without a socket, for handlers under test. `target` is taken as it stands: nothing in a path is tidied up. */
export function fakeIncoming(
  method: string,
  target: string,
  headers: Record<string, string> = {},
  {
    body,
    origin,
    clientAddress = '127.0.0.1',
    peerAddress = clientAddress,
    signal = new AbortController().signal,
  }: FakeRequest = {},
): Incoming {
  const start = target.startsWith('/') ? 0 : target.indexOf('/', target.indexOf('://') + 3)
  const [path = '', ...query] = target.slice(start).split('?')
  const whole = typeof body === 'string' ? Buffer.from(body) : body instanceof Uint8Array ? body : undefined
  const known = new Headers(headers)
  if (whole && !known.has('content-length')) known.set('content-length', String(whole.length))
  const stream = whole ? reusingBuffer(whole, chunkBytes) : (body as ByteStream | undefined)
  return {
    id: 'test-1',
    method,
    path,
    target: target.slice(start),
    query: new URLSearchParams(query.join('?')),
    headers: known,
    origin: { scheme: 'http', host: 'localhost', prefix: '', ...origin },
    clientAddress,
    peerAddress,
    signal,
    async *body() {
      if (stream) yield* stream
    },
    async bodyWhole(maxBytes, tooLarge) {
      if (Number(known.get('content-length') ?? 0) > maxBytes) throw tooLarge()
      const chunks: Uint8Array[] = []
      let size = 0
      for await (const chunk of this.body()) {
        size += chunk.length
        if (size > maxBytes) throw tooLarge()
        chunks.push(new Uint8Array(chunk))
      }
      return Buffer.concat(chunks, size)
    },
    unhurried() {},
  }
}

/** `bytes`, and then what a listener reports of a client that is gone. */
export async function* brokenOffAfter(bytes: string | Uint8Array): ByteStream {
  yield Buffer.from(bytes)
  throw new AppError('request-invalid', 'the client broke off while sending the request body')
}
