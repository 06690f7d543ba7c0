import pino from 'pino'
import type { LogFormatter, LogStream } from './log.ts'
import { escapeControls } from './log-text.ts'
import type { CacheResult } from './proxy-metrics.ts'

/** One answered request. */
export interface AccessEntry {
  id: string
  clientAddress: string
  user: string | undefined
  method: string
  /** Path and query as they came in. */
  target: string
  status: number
  /** Announced length of the answer; undefined when it was sent in chunks of unknown total. */
  bytes: number | undefined
  referer: string
  userAgent: string
  /** Until the answer's head was ready; a body may still be on its way. */
  seconds: number
  /** Of an answer of a proxy repository: how it came by it. */
  cache?: CacheResult | undefined
}

export interface AccessLog {
  write(entry: AccessEntry): void
  /** Writes what still waits. */
  flush(): void
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const secretParameter = /([?&](?:[^=&]*(?:token|password|secret|signature)|code|state|_state)=)[^&]*/gi

/**
 * Writes one line per request to `stream` (default: standard output): Combined Log Format with the request id and milliseconds behind it (and `cache=hit` where a proxy answered) for
 * `text`, one object per line for `json` and `logstash`. Lines of one turn of the event loop are written together.
 */
export function createAccessLog({
  formatter = 'text',
  stream = pino.destination({ dest: 1, sync: true }),
}: {
  formatter?: LogFormatter
  stream?: LogStream
} = {}): AccessLog {
  const format = formatter === 'text' ? combinedLine : formatter === 'json' ? jsonLine : logstashLine
  let waiting = ''
  const flush = () => {
    if (waiting === '') return
    const lines = waiting
    waiting = ''
    stream.write(lines)
  }
  return {
    write(entry) {
      if (waiting === '') setImmediate(flush)
      waiting += format(entry)
    },
    flush,
  }
}

function combinedLine(entry: AccessEntry): string {
  const { clientAddress, user, method, status, bytes, id, seconds, cache } = entry
  return `${clientAddress || '-'} - ${user === undefined ? '-' : quoted(user).replaceAll(' ', '%20')} [${clockTime()}] "${quoted(method)} ${quoted(safeTarget(entry.target))} HTTP/1.1" ${status} ${bytes ?? '-'} "${quoted(entry.referer)}" "${quoted(entry.userAgent)}" ${id} ${(seconds * 1000).toFixed(1)}ms${cache === undefined ? '' : ` cache=${cache}`}\n`
}

function jsonLine(entry: AccessEntry): string {
  return `${JSON.stringify({ time: new Date().toISOString(), level: 'info', msg: 'request', ...structured(entry) })}\n`
}

function logstashLine(entry: AccessEntry): string {
  return `${JSON.stringify({ '@timestamp': new Date().toISOString(), '@version': '1', level: 'info', message: 'request', ...structured(entry) })}\n`
}

function structured(entry: AccessEntry) {
  return { ...entry, target: safeTarget(entry.target), seconds: Number(entry.seconds.toFixed(6)) }
}

/** Tokens and signatures also travel in queries. */
function safeTarget(target: string): string {
  return target.includes('?') ? target.replace(secretParameter, '$1***') : target
}

function quoted(text: string): string {
  return /["\\\x00-\x1f\x7f-\uffff]/.test(text) ? escapeControls(text).replace(/["]/g, '\\"') : text || '-'
}

let clockSecond = -1
let clockText = ''

/** `21/Nov/2026:10:00:00 +0000`, worked out once a second. */
function clockTime(): string {
  const now = Date.now()
  const second = Math.floor(now / 1000)
  if (second !== clockSecond) {
    clockSecond = second
    const date = new Date(now)
    const two = (part: number) => String(part).padStart(2, '0')
    clockText = `${two(date.getUTCDate())}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`
  }
  return clockText
}
