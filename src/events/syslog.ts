import { createSocket } from 'node:dgram'
import { connect, type Socket } from 'node:net'
import { hostname } from 'node:os'
import type { NewAuditRow } from '../database/audit.ts'
import type { Log } from '../telemetry/log.ts'

export interface Syslog {
  send(row: NewAuditRow): void
  close(): Promise<void>
}

/** Facility 13, log audit; severity notice for what was done, warning for what was denied (RFC 5424, 6.2.1). */
const facility = 13
const severities = { done: 5, denied: 4 } as const
const reconnectMs = 5000
/** Lines that wait while a TCP receiver is away; older ones go. */
const mostWaiting = 10_000

/**
 * Sends audit events as RFC 5424 messages with a JSON body. `udp://host:514`: one datagram each, nobody knows whether they arrive (RFC 5426).
 * `tcp://host:601`: octet counted (RFC 6587); reconnects, and keeps lines meanwhile. What is lost is in the table all the same.
 */
export function openSyslog(url: string, log: Log): Syslog {
  const { protocol, hostname: host, port } = new URL(url)
  const bare = host.replace(/^\[|\]$/g, '')
  return protocol === 'udp:' ? overUdp(bare, Number(port || 514), log) : overTcp(bare, Number(port || 601), log)
}

function overUdp(host: string, port: number, log: Log): Syslog {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  let isFailing = false
  const report = (error: Error | null) => {
    if (error && !isFailing) log.warn('audit events do not reach syslog', { host, port, error })
    isFailing = error !== null
  }
  socket.on('error', report)
  return {
    send: (row) => socket.send(message(row), port, host, (error) => report(error)),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

function overTcp(host: string, port: number, log: Log): Syslog {
  let waiting: Buffer[] = []
  let socket: Socket | undefined
  let isOpen = false
  let isClosed = false
  let isFailing = false
  let timer: NodeJS.Timeout | undefined

  function open(): void {
    isOpen = false
    const opening = connect(port, host, () => {
      isOpen = true
      isFailing = false
      for (const line of waiting.splice(0)) opening.write(line)
    })
    opening.unref()
    opening.on('error', (error) => {
      if (!isFailing) log.warn('audit events wait for syslog', { host, port, error })
      isFailing = true
    })
    opening.on('close', () => {
      isOpen = false
      if (!isClosed) timer = setTimeout(open, reconnectMs).unref()
    })
    socket = opening
  }
  open()
  return {
    send(row) {
      const text = message(row)
      const line = Buffer.concat([Buffer.from(`${text.length} `), text])
      if (isOpen) socket?.write(line)
      else waiting = [...waiting.slice(1 - mostWaiting), line]
    },
    close: () =>
      new Promise((resolve) => {
        isClosed = true
        clearTimeout(timer)
        if (!isOpen) socket?.destroy()
        if (isOpen) socket?.end(() => resolve())
        else resolve()
      }),
  }
}

function message(row: NewAuditRow): Buffer {
  const severity = severities[row.result as keyof typeof severities] ?? 5
  const { detail, ...rest } = row
  const body = JSON.stringify({
    ...rest,
    at: new Date(row.at).toISOString(),
    ...(detail && { detail: JSON.parse(detail) }),
  })
  const head = `<${facility * 8 + severity}>1 ${new Date(row.at).toISOString()} ${hostname() || '-'} entrepot ${process.pid} ${row.action} -`
  return Buffer.from(`${head} ${body}`)
}
