import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

export interface RudeRequest {
  method: string
  /** Path and query as sent. */
  path: string
  /** Lower-case names. */
  headers: Record<string, string>
  body: string
  /** Counts from 1 over all requests of this server. */
  count: number
}

/** Decides what becomes of one request. May write what it likes, as slowly as it likes, or destroy the socket. */
export type RudeAnswer = (socket: Socket, request: RudeRequest) => void | Promise<void>

/** A server made of a bare socket, so that it can do what no HTTP library would. */
export interface RudeUpstream {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  readonly host: string
  readonly port: number
  /** All that came, in order. */
  readonly requests: RudeRequest[]
  /** How many connections were made, whether anything came over them or not. */
  connections(): number
  close(): Promise<void>
}

export interface RudeOptions {
  /** An address of this machine. Default 127.0.0.1. */
  address?: string
  tls?: { cert: string; key: string }
}

/** Starts a server that answers as told. Its connections stay open unless the answer ends them. */
export async function startRudeUpstream(
  answer: RudeAnswer,
  { address = '127.0.0.1', tls }: RudeOptions = {},
): Promise<RudeUpstream> {
  const requests: RudeRequest[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const onConnection = (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.setMaxListeners(0)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {}) // Resets are part of the play.
    let received = Buffer.alloc(0)
    socket.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data])
      for (let whole = takeRequest(received); whole; whole = takeRequest(received)) {
        received = received.subarray(whole.length)
        const request = { ...whole.request, count: requests.length + 1 }
        requests.push(request)
        void answer(socket, request)
      }
    })
  }
  const server: Server = tls ? createTlsServer(tls, onConnection) : createServer(onConnection)
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `${tls ? 'https' : 'http'}://${address}:${port}`,
    host: `${address}:${port}`,
    port,
    requests,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

/** Writes status line, headers and body. `content-length` is that of the body unless given; an empty text as its value leaves it out. */
export function respond(
  socket: Socket,
  status: number,
  headers: Record<string, string> = {},
  body: Uint8Array | string = '',
): void {
  const all = { 'content-length': String(Buffer.byteLength(body)), ...headers }
  const lines = Object.entries(all).filter(([name, value]) => name !== 'content-length' || value !== '')
  socket.write(`HTTP/1.1 ${status} Rude\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
  if (body.length > 0) socket.write(body)
}

/** Writes all chunks as fast as the other side takes them; false when it went away before the end. */
export async function writeAll(
  socket: Socket,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<boolean> {
  for await (const chunk of chunks) {
    if (socket.destroyed) return false
    if (socket.write(chunk)) continue
    await new Promise<void>((resolve) => {
      const go = () => {
        socket.off('drain', go)
        socket.off('close', go)
        resolve()
      }
      socket.on('drain', go)
      socket.on('close', go)
    })
  }
  return !socket.destroyed
}

/** The first byte of `Range: bytes=N-`, 0 without one. */
export function rangeStart({ headers }: RudeRequest): number {
  return Number(/^bytes=(\d+)-/.exec(headers['range'] ?? '')?.[1] ?? 0)
}

function takeRequest(received: Buffer): { request: Omit<RudeRequest, 'count'>; length: number } | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = received.subarray(0, end).toString('latin1').split('\r\n')
  const [method = '', path = ''] = first.split(' ')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const length = end + 4 + Number(headers['content-length'] ?? 0)
  if (received.length < length) return undefined
  return { request: { method, path, headers, body: received.subarray(end + 4, length).toString() }, length }
}
