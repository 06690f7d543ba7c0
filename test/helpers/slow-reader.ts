// Run as a program: slow-reader.ts PORT BYTES_PER_READ READS. Asks for / with a tiny receive buffer, reads so many bytes every 250 ms,
// so many times, and prints what happened. The buffer matters: behind a large one a slow reader looks dead for long stretches.
import { dlopen, FFIType, ptr } from 'bun:ffi'

const [port = 0, bytesPerRead = 0, reads = 0] = process.argv.slice(2).map(Number)
const { i32, i64, u32, u64, ptr: pointer } = FFIType
const libc = dlopen('libc.so.6', {
  socket: { args: [i32, i32, i32], returns: i32 },
  setsockopt: { args: [i32, i32, i32, pointer, u32], returns: i32 },
  connect: { args: [i32, pointer, u32], returns: i32 },
  send: { args: [i32, pointer, u64, i32], returns: i64 },
  recv: { args: [i32, pointer, u64, i32], returns: i64 },
}).symbols
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const fd = libc.socket(2, 1, 0)
libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, ptr(new Int32Array([4096])), 4)
const address = new Uint8Array([2, 0, port >> 8, port & 255, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
if (libc.connect(fd, ptr(address), 16) !== 0) throw new Error('cannot connect')
const request = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
libc.send(fd, ptr(request), BigInt(request.length), 0)
const buffer = new Uint8Array(65536)
let total = 0
let outcome = 'alive'
for (let index = 0; index < reads && outcome === 'alive'; index++) {
  await Bun.sleep(250)
  if (bytesPerRead === 0) continue
  const got = Number(libc.recv(fd, ptr(buffer), BigInt(bytesPerRead), 0))
  if (got <= 0) outcome = 'cut'
  else total += got
}
// One who never read sees a reset now, if the other side gave up.
for (let index = 0; index < 8 && outcome === 'alive'; index++) {
  const got = Number(libc.recv(fd, ptr(buffer), 65536n, 0))
  if (got <= 0) outcome = 'cut'
  else total += got
}
console.log(JSON.stringify({ outcome, total }))
process.exit(0)
