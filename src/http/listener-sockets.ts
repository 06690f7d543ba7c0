import { dlopen, FFIType, ptr, read } from 'bun:ffi'
import { readdirSync, readlinkSync } from 'node:fs'

// Numbers of the Linux kernel's interface, the same on x86-64 and arm64.
const SOL_SOCKET = 1
const SO_ACCEPTCONN = 30
const SO_PROTOCOL = 38
const SO_ATTACH_REUSEPORT_CBPF = 51
const IPPROTO_TCP = 6
const TCP_USER_TIMEOUT = 18
const BPF_RETURN_CONSTANT = 0x06

/** What Bun.serve does not offer, done to its listening sockets through the C library. */
export interface SocketTuning {
  /**
   * Connections accepted on `port` from now on are reset when the peer neither acknowledges sent bytes nor makes room for more for `seconds`.
   * This is what ends downloads nobody reads: the kernel sends files by itself, so no clock of ours sees them.
   */
  cutDeadReaders(port: number, seconds: number): boolean
  /** Of the sockets of this process that share `port`, makes the newest receive all new connections. */
  preferNewest(port: number, count: number): boolean
}

/** Undefined where there is no Linux C library to call. */
export function openSocketTuning(): SocketTuning | undefined {
  if (process.platform !== 'linux') return undefined
  const libc = openLibc()
  if (!libc) return undefined
  const { setsockopt, getsockopt, getsockname } = libc

  const option = (fd: number, name: number): number => {
    const value = new Int32Array(1)
    const length = new Uint32Array([4])
    return getsockopt(fd, SOL_SOCKET, name, ptr(value), ptr(length)) === 0 ? (value[0] ?? -1) : -1
  }
  const portOf = (fd: number): number => {
    const address = new Uint8Array(128)
    const length = new Uint32Array([128])
    if (getsockname(fd, ptr(address), ptr(length)) !== 0) return -1
    return ((address[2] ?? 0) << 8) | (address[3] ?? 0)
  }
  const listening = (port: number) =>
    socketsOfThisProcess().filter(
      (fd) => option(fd, SO_ACCEPTCONN) === 1 && option(fd, SO_PROTOCOL) === IPPROTO_TCP && portOf(fd) === port,
    )

  return {
    cutDeadReaders(port, seconds) {
      const milliseconds = new Uint32Array([Math.round(seconds * 1000)])
      const fds = listening(port)
      return (
        fds.length > 0 && fds.every((fd) => setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, ptr(milliseconds), 4) === 0)
      )
    },
    preferNewest(port, count) {
      // struct sock_filter {u16 code; u8 jt, jf; u32 k}: return the index, in order of joining, of the socket to use.
      const filter = new Uint8Array(8)
      const fields = new DataView(filter.buffer)
      fields.setUint16(0, BPF_RETURN_CONSTANT, true)
      fields.setUint32(4, count - 1, true)
      // struct sock_fprog {u16 length; (padding) pointer}
      const program = new BigUint64Array([1n, BigInt(ptr(filter))])
      const fd = listening(port)[0]
      return (
        fd !== undefined &&
        setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, ptr(program), 16) === 0 &&
        read.u8(ptr(filter), 0) > 0
      )
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
      }).symbols
    } catch {
      // This C library is called differently: try the next name.
    }
  return undefined
}

function socketsOfThisProcess(): number[] {
  return readdirSync('/proc/self/fd')
    .filter((fd) => isSocket(`/proc/self/fd/${fd}`))
    .map(Number)
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:')
  } catch {
    // Closed since the folder was read.
    return false
  }
}
