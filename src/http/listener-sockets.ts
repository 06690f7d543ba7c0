import { dlopen, FFIType, ptr } from 'bun:ffi'
import { readdirSync } from 'node:fs'

// Numbers of the Linux kernel's interface, the same on x86-64 and arm64.
const SOL_SOCKET = 1
const SO_LINGER = 13
const SO_ACCEPTCONN = 30
const SO_PROTOCOL = 38
const SO_ATTACH_REUSEPORT_CBPF = 51
const SO_COOKIE = 57
const IPPROTO_TCP = 6
const TCP_INFO = 11
const SHUT_RDWR = 2
const BPF_RETURN_CONSTANT = 0x06
/** Places in struct tcp_info. */
const infoLength = 192
const unackedAt = 24
const bytesAckedAt = 120
const notSentAt = 144

/** What Bun.serve does not offer, done to its sockets through the C library. */
export interface SocketTuning {
  /**
   * Resets connections to `port` whose peer took nothing of what waits for it in `seconds` (up to a quarter more). This is what ends downloads
   * nobody reads: the kernel sends files by itself, so no clock of ours sees them. TCP_USER_TIMEOUT would do without a clock, but it also
   * cuts readers with small windows that do move on. Call the result to stop watching.
   */
  watchReaders(port: number, seconds: number): () => void
  /** Of the listening sockets of this process that share `port`, makes the newest receive all new connections. Call it right after opening that one. */
  preferNewest(port: number): boolean
}

/** Undefined where there is no Linux C library to call. */
export function openSocketTuning(): SocketTuning | undefined {
  const libc = process.platform === 'linux' ? openLibc() : undefined
  if (!libc) return undefined
  const { setsockopt, getsockopt, getsockname, shutdown } = libc
  const buffer = new Uint8Array(256)
  const fields = new DataView(buffer.buffer)
  const length = new Uint32Array(1)

  /** Reads an option into `buffer`. False when the descriptor is no such socket. */
  const read = (fd: number, level: number, name: number, bytes: number): boolean => {
    length[0] = bytes
    return getsockopt(fd, level, name, ptr(buffer), ptr(length)) === 0
  }
  const isOnPort = (fd: number, port: number): boolean => {
    length[0] = buffer.length
    return getsockname(fd, ptr(buffer), ptr(length)) === 0 && fields.getUint16(2) === port
  }
  const socketsOn = (port: number, isListening: boolean): number[] =>
    readdirSync('/proc/self/fd')
      .map(Number)
      .filter(
        (fd) =>
          read(fd, SOL_SOCKET, SO_PROTOCOL, 4) &&
          fields.getInt32(0, true) === IPPROTO_TCP &&
          read(fd, SOL_SOCKET, SO_ACCEPTCONN, 4) &&
          (fields.getInt32(0, true) === 1) === isListening &&
          isOnPort(fd, port),
      )

  return {
    watchReaders(port, seconds) {
      let waiting = new Map<bigint, { acked: bigint; since: number }>()
      const sweep = () => {
        const now = performance.now()
        const stillWaiting: typeof waiting = new Map()
        for (const fd of socketsOn(port, false)) {
          if (!read(fd, IPPROTO_TCP, TCP_INFO, infoLength)) continue
          if (fields.getUint32(unackedAt, true) === 0 && fields.getUint32(notSentAt, true) === 0) continue
          const acked = fields.getBigUint64(bytesAckedAt, true)
          if (!read(fd, SOL_SOCKET, SO_COOKIE, 8)) continue
          const cookie = fields.getBigUint64(0, true)
          const before = waiting.get(cookie)
          if (before?.acked !== acked) stillWaiting.set(cookie, { acked, since: now })
          else if (now - before.since < seconds * 1000) stillWaiting.set(cookie, before)
          else {
            // Closing with nothing to linger for resets the connection and frees what was queued.
            setsockopt(fd, SOL_SOCKET, SO_LINGER, ptr(new Int32Array([1, 0])), 8)
            shutdown(fd, SHUT_RDWR)
          }
        }
        waiting = stillWaiting
      }
      const timer = setInterval(sweep, seconds * 250)
      timer.unref()
      return () => clearInterval(timer)
    },
    preferNewest(port) {
      const sockets = socketsOn(port, true)
      // struct sock_filter {u16 code; u8 jt, jf; u32 k}: return the index of the socket to use; whoever joins last stands last.
      const filter = new Uint8Array(8)
      new DataView(filter.buffer).setUint16(0, BPF_RETURN_CONSTANT, true)
      new DataView(filter.buffer).setUint32(4, sockets.length - 1, true)
      // struct sock_fprog {u16 length; (padding) pointer}
      const program = new BigUint64Array([1n, BigInt(ptr(filter))])
      const [fd] = sockets
      return fd !== undefined && setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, ptr(program), 16) === 0
    },
  }
}

function openLibc() {
  const { i32, u32, ptr: pointer } = FFIType
  for (const name of ['libc.so.6', `libc.musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`, 'libc.so'])
    try {
      return dlopen(name, {
        setsockopt: { args: [i32, i32, i32, pointer, u32], returns: i32 },
        getsockopt: { args: [i32, i32, i32, pointer, pointer], returns: i32 },
        getsockname: { args: [i32, pointer, pointer], returns: i32 },
        shutdown: { args: [i32, i32], returns: i32 },
      }).symbols
    } catch {
      // This C library is called differently: try the next name.
    }
  return undefined
}
