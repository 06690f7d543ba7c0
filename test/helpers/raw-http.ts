import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  status: number
  /** Lower-case names; repeated ones joined by a comma. */
  headers: Record<string, string>
  body: Buffer
  /** Everything as it came, for looking at the framing. */
  text: string
}

/** Sends bytes as they are to a loopback port (or unix socket) and resolves with all that came back until the other side closed. */
export function rawExchange(
  place: number | string,
  bytes: string,
  onSocket?: (socket: Socket) => void,
): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = typeof place === 'number' ? connect(place, '127.0.0.1') : connect(place)
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)))
    socket.on('error', () => {}) // A reset is an ending like any other here; what arrived tells the rest.
    socket.on('close', () => resolve(parseAnswer(Buffer.concat(chunks))))
    socket.write(bytes)
    onSocket?.(socket)
  })
}

/** A GET that asks the server to close afterwards. */
export function rawGet(
  place: number | string,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<RawAnswer> {
  const lines = Object.entries({ Host: 'localhost', Connection: 'close', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return rawExchange(place, `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
}

export function parseAnswer(bytes: Buffer): RawAnswer {
  const text = bytes.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...lines] = text.slice(0, Math.max(0, end)).split('\r\n')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(':')).toLowerCase()
    const value = line.slice(line.indexOf(':') + 1).trim()
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  return { status: Number(first.split(' ')[1] ?? 0), headers, body: end < 0 ? bytes : bytes.subarray(end + 4), text }
}
