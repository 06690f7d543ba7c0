import { randomBytes } from 'node:crypto'
import type { ByteRange, ByteStream } from '../storage/driver.ts'
import type { Incoming } from './incoming.ts'
import { ifRangeHolds, parseRange } from './ranges.ts'

/** An object to send: a blob, a file of the web page. */
export interface SendableObject {
  /** Bytes. */
  size: number
  /** Path of a local file holding exactly these bytes: sent by the kernel, with an exact length. */
  localFile?: string | undefined
  /** The bytes, or a part of them. Called at most once per part and only as the client reads. */
  read(range?: ByteRange): Promise<ByteStream>
}

/** Bodies up to this many bytes are put together in memory, because the runtime sends a stream without its length. */
const assembledBytes = 1024 * 1024
/** What is written to a client at once. */
const pieceBytes = 128 * 1024

/**
 * Answers GET and HEAD of an object: 200, 206 (one part or multipart/byteranges), 416; `If-Range` is held against the `etag` in `headers`.
 * Lifts the idle timeout of the request. The length is announced whenever the object is a file, or the body is at most 1 MiB; a longer
 * stream or multipart body goes out chunked. `headers` is taken over and completed: content-type, accept-ranges, content-disposition.
 */
export async function objectResponse(incoming: Incoming, object: SendableObject, headers: Headers): Promise<Response> {
  headers.set('accept-ranges', 'bytes')
  if (!headers.has('content-type')) headers.set('content-type', 'application/octet-stream')
  // Without one the runtime adds its own, naming the file in the store.
  if (!headers.has('content-disposition')) headers.set('content-disposition', 'attachment')
  if (incoming.method === 'HEAD') {
    headers.set('content-length', String(object.size))
    return new Response(null, { headers })
  }
  incoming.unhurried()
  const range = incoming.headers.get('range')
  const answer =
    range !== null && ifRangeHolds(incoming.headers.get('if-range'), headers.get('etag'))
      ? parseRange(range, object.size)
      : ({ kind: 'whole' } as const)
  if (answer.kind === 'unsatisfiable') {
    headers.set('content-range', `bytes */${object.size}`)
    headers.delete('content-type')
    headers.delete('etag')
    return new Response(null, { status: 416, headers })
  }
  if (answer.kind === 'whole') return partResponse(object, undefined, 200, headers)
  const [only, ...others] = answer.parts
  if (only && others.length === 0) {
    headers.set('content-range', contentRange(only, object.size))
    return partResponse(object, only, 206, headers)
  }
  return multipartResponse(object, answer.parts, headers)
}

async function partResponse(object: SendableObject, part: ByteRange | undefined, status: number, headers: Headers) {
  const length = part ? part.last - part.first + 1 : object.size
  headers.set('content-length', String(length))
  if (object.localFile !== undefined) {
    const file = Bun.file(object.localFile)
    return new Response(part ? file.slice(part.first, part.last + 1) : file, { status, headers })
  }
  return bytesResponse(await object.read(part), length, status, headers)
}

/** RFC 9110 section 14.6. Parts are neither merged nor sorted: some clients count them. */
async function multipartResponse(object: SendableObject, parts: ByteRange[], headers: Headers): Promise<Response> {
  const boundary = randomBytes(16).toString('hex')
  const type = headers.get('content-type')
  const heads = parts.map((part, index) =>
    Buffer.from(
      `${index === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange(part, object.size)}\r\n\r\n`,
    ),
  )
  const end = Buffer.from(`\r\n--${boundary}--\r\n`)
  const length = parts.reduce(
    (sum, part, index) => sum + (heads[index] as Buffer).length + part.last - part.first + 1,
    end.length,
  )
  headers.set('content-type', `multipart/byteranges; boundary=${boundary}`)
  headers.set('content-length', String(length))
  const body = (async function* () {
    for (const [index, part] of parts.entries()) {
      yield heads[index] as Uint8Array
      yield* readPart(object, part)
    }
    yield end
  })()
  return bytesResponse(body, length, 206, headers)
}

async function* readPart(object: SendableObject, part: ByteRange): ByteStream & AsyncGenerator<Uint8Array> {
  if (object.localFile === undefined) yield* await object.read(part)
  else
    yield* Bun.file(object.localFile)
      .slice(part.first, part.last + 1)
      .stream()
}

/** Sends exactly `length` bytes; a stream that ends early breaks the answer off instead of ending it well. */
async function bytesResponse(bytes: ByteStream, length: number, status: number, headers: Headers): Promise<Response> {
  if (length <= assembledBytes) return new Response(await assemble(bytes, length), { status, headers })
  return new Response(streamOf(exactly(bytes, length)), { status, headers })
}

/** The part of Bun's stream controller that is used: `write` is done with the bytes when it returns, `flush` when the client has taken them. */
interface DirectController {
  write(bytes: Uint8Array): unknown
  flush(wait: true): unknown
  close(): void
}

/**
 * A body that is written as the client takes it. The runtime's own kind of stream, because the standard one keeps every chunk until its collector
 * comes: with many readers that is most of the memory, and each chunk would have to be a copy.
 */
function streamOf(iterator: AsyncGenerator<Uint8Array, void, undefined>): ReadableStream {
  let isCancelled = false
  const source = {
    type: 'direct',
    async pull(controller: DirectController) {
      for await (const chunk of iterator) {
        // In pieces: what the socket does not take at once is copied, for each reader.
        for (let at = 0; at < chunk.length && !isCancelled; at += pieceBytes) {
          controller.write(chunk.subarray(at, at + pieceBytes))
          await controller.flush(true)
        }
      }
      if (!isCancelled) controller.close()
    },
    // Also ends what waits for the client in `pull`.
    async cancel() {
      isCancelled = true
      await iterator.return(undefined)
    },
  }
  return new ReadableStream(source as unknown as UnderlyingDefaultSource<Uint8Array>)
}

async function assemble(bytes: ByteStream, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const body = new Uint8Array(length)
  let offset = 0
  for await (const chunk of exactly(bytes, length)) {
    body.set(chunk, offset)
    offset += chunk.length
  }
  return body
}

async function* exactly(bytes: ByteStream, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  let sent = 0
  for await (const chunk of bytes) {
    sent += chunk.length
    if (sent > length) throw new RangeError(`the object is longer than the ${length} bytes announced`)
    yield chunk
  }
  if (sent < length) throw new RangeError(`the object ended after ${sent} of ${length} bytes`)
}

function contentRange(part: ByteRange, size: number): string {
  return `bytes ${part.first}-${part.last}/${size}`
}
