import type { AccessEntry } from '../telemetry/access-log.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Handler, Incoming } from './incoming.ts'

export interface FrontOptions {
  /** By first segment of the path: `{v2: ..., api: ..., healthz: ...}`. */
  rooms: Readonly<Record<string, Handler>>
  /** Everything else (the web page); absent: 404. */
  otherwise?: Handler | undefined
  /** `http.headers`: on every answer that does not set them itself. */
  headers?: Readonly<Record<string, readonly string[]>> | undefined
  /** Called once per request, when the head of its answer is ready. */
  onAccess?: ((entry: AccessEntry) => void) | undefined
  metrics?: Metrics | undefined
  log: Log
}

const longestPath = 8192

/**
 * What stands before every protocol: picks the room, gives the answer its request id and common headers, counts it, and writes the access log.
 * An error that escapes a room is logged and answered with 500 and the request id, never with its message.
 */
export function createFront(options: FrontOptions): Handler {
  const { metrics, log } = options
  const rooms = new Map(Object.entries(options.rooms))
  const otherwise = options.otherwise ?? notFound
  const extra = Object.entries(options.headers ?? {}).map(([name, values]) => [name, [...values]] as const)
  const finish = (incoming: Incoming, response: Response, startedAt: number): Response => {
    const { headers, status } = response
    for (const [name, values] of extra) if (!headers.has(name)) for (const value of values) headers.append(name, value)
    headers.set('X-Content-Type-Options', 'nosniff')
    headers.set('X-Request-Id', incoming.id)
    const seconds = (performance.now() - startedAt) / 1000
    const length = headers.get('content-length')
    const bytes = incoming.method === 'HEAD' ? 0 : length === null ? undefined : Number(length)
    metrics?.requestEnded(incoming.route ?? 'other', incoming.method, status, seconds, bytes ?? 0)
    options.onAccess?.(accessEntry(incoming, status, bytes, seconds))
    return response
  }
  const fail = (incoming: Incoming, error: unknown): Response => {
    log.error('a request failed unexpectedly', {
      error,
      requestId: incoming.id,
      method: incoming.method,
      path: incoming.path,
    })
    return plainAnswer(500, `internal error; the log has the reason under request id ${incoming.id}\n`)
  }

  return (incoming) => {
    const startedAt = performance.now()
    metrics?.requestStarted()
    let answer: Response | Promise<Response>
    try {
      answer = refusal(incoming) ?? (rooms.get(firstSegment(incoming.path)) ?? otherwise)(incoming)
    } catch (error) {
      answer = fail(incoming, error)
    }
    if (answer instanceof Response) return finish(incoming, answer, startedAt)
    return answer.then(
      (response) => finish(incoming, response, startedAt),
      (error) => finish(incoming, fail(incoming, error), startedAt),
    )
  }
}

/** A short text answer with its length. */
export function plainAnswer(status: number, text: string): Response {
  const body = Buffer.from(text)
  return new Response(body, {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'content-length': String(body.length) },
  })
}

/** The answer to HEAD where only GET is written: the same head, the body dropped, its length kept. */
export function headOf(response: Response): Response {
  response.body?.cancel().catch(() => {}) // Nobody reads it; a source that cannot be cancelled ends by itself.
  return new Response(null, { status: response.status, headers: response.headers })
}

/**
 * Docker before 1.6 (and its Go clients) cannot speak /v2/ and must see 404 there, so that they fall back to /v1/ and say what is wrong.
 * A development build of 1.5 can; so can everything that calls itself `Go-http-client`.
 */
export function isAncientDocker(userAgent: string | null): boolean {
  return userAgent !== null && /^(?:docker\/1\.(?:3|4|5(?!\.[0-9]-dev))|Go ).*$/.test(userAgent)
}

function refusal({ method, path }: Incoming): Response | undefined {
  if (path.length > longestPath) return plainAnswer(414, `the path is longer than ${longestPath} bytes\n`)
  if (method === 'TRACE' || method === 'CONNECT') return plainAnswer(405, `${method} is not served here\n`)
  return undefined
}

function notFound(): Response {
  return plainAnswer(404, 'nothing here\n')
}

function firstSegment(path: string): string {
  const end = path.indexOf('/', 1)
  return end < 0 ? path.slice(1) : path.slice(1, end)
}

function accessEntry(incoming: Incoming, status: number, bytes: number | undefined, seconds: number): AccessEntry {
  const { headers } = incoming
  return {
    id: incoming.id,
    clientAddress: incoming.clientAddress,
    user: incoming.user,
    method: incoming.method,
    target: incoming.target,
    status,
    bytes,
    referer: headers.get('referer') ?? '',
    userAgent: headers.get('user-agent') ?? '',
    seconds,
    cache: incoming.cache,
  }
}
