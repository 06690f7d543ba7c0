import { chmodSync, lstatSync, rmSync } from 'node:fs'
import http from 'node:http'
import { connect } from 'node:net'
import type { Server } from 'bun'
import { AppError } from '../errors.ts'
import type { Log } from '../telemetry/log.ts'
import { createForwarded } from './forwarded.ts'
import type { Handler } from './incoming.ts'
import { type ListenerContext, ListenerIncoming } from './listener-incoming.ts'
import { openSocketTuning } from './listener-sockets.ts'
import type { TlsMaterial } from './tls-files.ts'

export interface ListenerOptions {
  /** `host:port`, `:port`, `[::1]:port`; or the path of a unix socket (`/run/entrepot.sock`, `unix:/run/entrepot.sock`). */
  addr: string
  /** Absent for plain HTTP. */
  tls?: TlsMaterial | undefined
  handler: Handler
  /** Networks of reverse proxies whose forwarding headers are believed. */
  trust: readonly string[]
  /** Idle time of a kept connection, in seconds, at most 255; default 120. Go clients keep connections for 90: stay above. */
  idleTimeoutSeconds?: number
  /** Seconds without a byte after which an upload or a download is given up; default 120. */
  watchdogSeconds?: number
  /** `http.prefix`. */
  prefix?: string | undefined
  /** `http.host`. */
  host?: string | undefined
  log: Log
}

export interface Listener {
  /** As people write it: `http://127.0.0.1:5000`, `unix:/run/entrepot.sock`. */
  readonly address: string
  /** 0 for a unix socket. */
  readonly port: number
  /** Uses new certificates for new connections; what runs finishes under the old ones. Throws, and keeps the old ones, when they are refused. */
  replaceTls(tls: TlsMaterial): void
  /** Accepts nothing more, waits up to `drainMs` for requests to finish, then breaks off the rest. Resolves to how many were broken off. */
  stop(drainMs: number): Promise<number>
}

/** The runtime knows no longer idle time. */
const longestIdleSeconds = 255
/** Time for connections that the old socket already accepted, before it closes. */
const swapGraceMs = 1000

/** Clients that read chunked layers ask for hundreds of ranges in one header; the runtime's own limit is 16 KiB. For the whole process. */
const maximumHeaderBytes = 128 * 1024

/** Opens a listener. Throws `unavailable` naming the address and the fix when it cannot be opened; RangeError for malformed settings. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { handler, log, idleTimeoutSeconds = 120, watchdogSeconds = 120 } = options
  const place = parseAddress(options.addr)
  Object.assign(http, { maxHeaderSize: maximumHeaderBytes })
  const tuning = openSocketTuning()
  const context: ListenerContext = {
    forwarded: createForwarded({ trustedProxies: options.trust, host: options.host, prefix: options.prefix }),
    encrypted: options.tls !== undefined,
    prefix: (options.prefix ?? '').replace(/\/+$/, ''),
    watchdogSeconds,
    // The local process behind a unix socket has clocks of its own.
    unhurriedSeconds: tuning || place.unix ? 0 : longestIdleSeconds,
  }
  let isDraining = false
  /** A client told that its connection closes does not send the next request into the void. */
  const announce = (response: Response): Response => {
    if (isDraining) response.headers.set('connection', 'close')
    return response
  }
  const serve = (tls: TlsMaterial | undefined, port: number, shares: boolean): Server<undefined> =>
    Bun.serve({
      ...(place.unix === undefined ? { hostname: place.hostname, port, reusePort: shares } : { unix: place.unix }),
      ...(tls && { tls: tls.options }),
      idleTimeout: Math.min(idleTimeoutSeconds, longestIdleSeconds),
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      development: false,
      fetch(request, server) {
        const answer = handler(new ListenerIncoming(request, server, context))
        return answer instanceof Response ? announce(answer) : answer.then(announce)
      },
      error: (error) => failed(error, log),
    } as Parameters<typeof Bun.serve<undefined>>[0]) as Server<undefined>

  const open = (): Server<undefined> => {
    if (!options.tls) return serve(undefined, place.port, false)
    // Sharing the port is what lets certificates be replaced; it would also hide that another process has it.
    if (place.port !== 0) serve(undefined, place.port, false).stop(true)
    return serve(options.tls, place.port, true)
  }
  if (place.unix !== undefined) await removeDeadSocket(place.unix)
  let server = attempt(options.addr, () => withoutIPv6(place, open))
  if (place.unix !== undefined) chmodSync(place.unix, 0o660)
  const port = place.unix === undefined ? (server.port ?? 0) : 0
  const stopWatching = place.unix === undefined ? tuning?.watchReaders(port, watchdogSeconds) : undefined
  /** Servers that accept nothing more and finish what they have. */
  const retired = new Map<Server<undefined>, Promise<void>>()
  let endGrace = (): void => {}
  const retire = (old: Server<undefined>): void => {
    endGrace = () => {
      clearTimeout(timer)
      endGrace = () => {}
      const gone = old.stop().finally(() => retired.delete(old))
      retired.set(old, gone)
    }
    const timer = setTimeout(() => endGrace(), swapGraceMs)
  }

  return {
    address:
      place.unix !== undefined ? `unix:${place.unix}` : `${options.tls ? 'https' : 'http'}://${place.shown}:${port}`,
    port,
    replaceTls(tls) {
      if (!options.tls || place.unix !== undefined)
        throw new RangeError(`${options.addr} was not opened with TLS on a port`)
      // At most two sockets share the port at any time: with more, one that closes changes which one is the newest for the kernel.
      endGrace()
      const old = server
      server = attempt(options.addr, () => serve(tls, port, true))
      tuning?.preferNewest(port)
      retire(old)
    },
    async stop(drainMs) {
      isDraining = true
      endGrace()
      const servers = [server, ...retired.keys()]
      const drained = Promise.all([server.stop(), ...retired.values()])
      let timer: Timer | undefined
      const deadline = new Promise<'late'>((resolve) => {
        timer = setTimeout(resolve, drainMs, 'late')
      })
      const outcome = await Promise.race([drained, deadline])
      clearTimeout(timer)
      const left = outcome === 'late' ? servers.reduce((sum, one) => sum + one.pendingRequests, 0) : 0
      if (outcome === 'late') await Promise.all(servers.map((one) => one.stop(true)))
      stopWatching?.()
      if (place.unix !== undefined) rmSync(place.unix, { force: true })
      return left
    },
  }
}

/** Reached when a handler throws, or when a file to send is gone since it was looked up. */
function failed(error: Error & { code?: string }, log: Log): Response {
  if (error.code === 'ENOENT') return new Response(null, { status: 404 })
  log.error('a request failed', { error })
  return new Response(null, { status: 500 })
}

interface Place {
  hostname: string
  port: number
  shown: string
  unix?: string
}

function parseAddress(addr: string): Place {
  if (addr.startsWith('unix:') || addr.startsWith('/'))
    return { unix: addr.replace(/^unix:(\/\/)?/, ''), hostname: '', port: 0, shown: '' }
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]*)):([0-9]{1,5})$/i.exec(addr)
  const port = Number(match?.[3])
  if (!match || port > 65535)
    throw new RangeError(
      `"${addr}" is not an address to listen on; write :5000, 127.0.0.1:5000, [::1]:5000 or /path/of/socket`,
    )
  const named = match[1] ?? match[2] ?? ''
  const hostname = named === '' ? '::' : named
  const isEverywhere = hostname === '::' || hostname === '0.0.0.0'
  return { hostname, port, shown: isEverywhere ? 'localhost' : hostname.includes(':') ? `[${hostname}]` : hostname }
}

/** A process that was killed leaves its socket behind; a living one still answers on it and is left alone. */
async function removeDeadSocket(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
  if (!isAlive) rmSync(path)
}

/** A machine without IPv6 cannot listen on `::`. */
function withoutIPv6<T>(place: Place, open: () => T): T {
  try {
    return open()
  } catch (error) {
    if (place.hostname !== '::' || !['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes((error as { code?: string }).code ?? ''))
      throw error
    place.hostname = '0.0.0.0'
    return open()
  }
}

function attempt(addr: string, open: () => Server<undefined>): Server<undefined> {
  try {
    return open()
  } catch (error) {
    throw openError(addr, error)
  }
}

function openError(addr: string, error: unknown): AppError {
  const code = (error as { code?: string }).code ?? ''
  const reasons: Record<string, string> = {
    EADDRINUSE:
      'another process already listens there; stop it, or choose another address in http.addr (http.debug.addr for operators)',
    EACCES: 'not permitted; ports below 1024 need root or CAP_NET_BIND_SERVICE, a unix socket needs a writable folder',
    EPERM: 'not permitted; ports below 1024 need root or CAP_NET_BIND_SERVICE',
    EADDRNOTAVAIL: 'this machine has no such address; use :PORT for all of them',
    EAFNOSUPPORT: 'this machine has no such address family; use 0.0.0.0:PORT',
    ENOENT: 'the folder of the socket does not exist; create it',
  }
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error))
  return new AppError('unavailable', `cannot listen on ${addr}: ${reason}`, { cause: error })
}
