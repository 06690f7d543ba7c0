/**
 * Many slow pulls of one blob and some slow pushes at once, over plain sockets. Each pull takes at most one read (64 KB at most)
 * a second and then leaves the rest to the server; each push sends 64 KB every `pushMilliseconds`. Argument: the task as JSON.
 * Answers `{pulls, pulledBytes, pushes}`: the pulls still open at the end, what they got, and the pushes that ended in 201.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { blobOf } from '../harness/content.ts'
import { finish, locationOf, octets, request, startUpload } from '../harness/registry-client.ts'

interface Task {
  url: string
  blobPath: string
  pulls: number
  pushes: number
  pushBytes: number
  pushMilliseconds: number
  seconds: number
}

const chunkBytes = 65_536
const task = JSON.parse(process.argv[2]!) as Task
const { hostname, port, host } = new URL(task.url)
let open = 0
let pulledBytes = 0

const blobs = Array.from({ length: task.pushes }, (_, index) => blobOf(Buffer.alloc(task.pushBytes, `push ${index} `)))
for (let index = 0; index < task.pulls; index++) {
  await pull()
  // A burst of connects beyond the listen queue would measure SYN retries.
  if (index % 50 === 49) await sleep(5)
}
const pushes = Promise.all(blobs.map((_, index) => push(index)))
await Promise.all([pushes, sleep(task.seconds * 1000)])
console.log(JSON.stringify({ pulls: open, pulledBytes, pushes: (await pushes).filter(Boolean).length }))
process.exit(0)

async function pull(): Promise<void> {
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('data', (chunk) => {
    pulledBytes += chunk.length
    socket.pause()
    setTimeout(() => socket.resume(), 1000)
  })
  // A server that gives up on a slow reader shows as a missing pull in the answer.
  socket.on('error', () => undefined)
  socket.on('close', () => open--)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  open++
  socket.write(`GET ${task.blobPath} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
}

async function push(index: number): Promise<boolean> {
  const blob = blobs[index]!
  const upload = new URL(await startUpload(task.url, `bench/slow-${index}`))
  const socket = connect({ host: hostname, port: Number(port) })
  const answer = new Promise<string>((resolve, reject) => {
    socket.once('data', (chunk) => resolve(chunk.toString('latin1')))
    socket.once('error', reject)
    socket.once('close', () => resolve(''))
  })
  await send(
    socket,
    Buffer.from(
      `PATCH ${upload.pathname}${upload.search} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${blob.bytes.length}\r\n\r\n`,
    ),
  )
  for (let offset = 0; offset < blob.bytes.length; offset += chunkBytes) {
    await send(socket, blob.bytes.subarray(offset, offset + chunkBytes))
    await sleep(task.pushMilliseconds)
  }
  const head = await answer
  socket.destroy()
  const location = /\r\nlocation: *(\S+)/i.exec(head)?.[1]
  if (!head.startsWith('HTTP/1.1 202 ') || !location) return false
  const patched = new Response(null, { headers: { location } })
  const closing = locationOf(patched, task.url, { digest: blob.digest })
  await finish(await request('PUT', closing, [201], { headers: octets }))
  return true
}

function send(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}
