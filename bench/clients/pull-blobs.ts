/**
 * Pulls one blob over and over on several connections for a while and discards it, as fast as the server sends: raw sockets, no
 * copy of the body. Argument: the task as JSON. Answers `{bytes, seconds, cpuSeconds}` as one line.
 */
interface Task {
  hostname: string
  port: number
  path: string
  tls: boolean
  connections: number
  seconds: number
  /** The size every answer must have. */
  blobBytes: number
}

const task = JSON.parse(process.argv[2]!) as Task
const request = `GET ${task.path} HTTP/1.1\r\nHost: ${task.hostname}:${task.port}\r\nAccept: */*\r\n\r\n`
let bytes = 0

const sockets = []
for (let index = 0; index < task.connections; index++) sockets.push(await connect())
const began = performance.now()
const cpuBefore = process.cpuUsage()
bytes = 0
for (const socket of sockets) socket.write(request)
await Bun.sleep(task.seconds * 1000)
const seconds = (performance.now() - began) / 1000
const cpu = process.cpuUsage(cpuBefore)
console.log(JSON.stringify({ bytes, seconds, cpuSeconds: (cpu.user + cpu.system) / 1e6 }))
process.exit(0)

/** Resolves when a request may be written: with TLS after the handshake, before which it would be lost. */
function connect() {
  let left = 0
  let head = ''
  const { promise, resolve, reject } = Promise.withResolvers<Bun.Socket>()
  Bun.connect({
    hostname: task.hostname,
    port: task.port,
    ...(task.tls && { tls: { rejectUnauthorized: false } }),
    socket: {
      open(socket) {
        if (!task.tls) resolve(socket)
      },
      handshake: (socket) => resolve(socket),
      data(socket, chunk) {
        let body = chunk.length
        if (left === 0) {
          head += chunk.toString('latin1')
          const end = head.indexOf('\r\n\r\n')
          if (end < 0) return
          body = head.length - end - 4
          left = expectBlob(head.slice(0, end))
          head = ''
        }
        bytes += body
        left -= body
        if (left < 0) fail('more bytes than its Content-Length')
        if (left === 0) socket.write(request)
      },
      close: () => fail('the end of the connection'),
      error: (_, error) => fail(error.message),
    },
  }).catch(reject)
  return promise
}

function expectBlob(head: string): number {
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1])
  if (!head.startsWith('HTTP/1.1 200 ') || length !== task.blobBytes) fail(head)
  return length
}

function fail(what: string): never {
  console.error(`expected a blob of ${task.blobBytes} bytes, got ${what}`)
  process.exit(1)
}

export {}
