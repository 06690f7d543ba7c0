import pino from 'pino'
import { formatText } from './log-text.ts'
import { redact, redactText } from './redact.ts'

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'
export type LogFormatter = 'text' | 'json' | 'logstash'
export type LogFields = Record<string, unknown>

/** Where lines go: one call per line, with its line end. */
export interface LogStream {
  write(line: string): void
}

/** Says what happens. Fields are data; secrets in them are hidden by name (`password`, `authorization`, `token` ...) and by look. */
export interface Log {
  error(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  /** A log whose lines carry `fields` too. Shares the level. */
  child(fields: LogFields): Log
  /** What is below it is dropped. Setting it changes this log, its parents and its children. */
  level: LogLevel
}

export interface LogOptions {
  level?: LogLevel
  formatter?: LogFormatter
  /** On every line. */
  fields?: LogFields
  /** Default: standard error, written before the call returns, so that a crash loses nothing. */
  stream?: LogStream
}

const ranks: Record<LogLevel, number> = { error: 50, warn: 40, info: 30, debug: 20 }

/** Makes the process's log. */
export function createLog(options: LogOptions = {}): Log {
  const {
    level = 'info',
    formatter = 'text',
    fields = {},
    stream = pino.destination({ dest: 2, sync: true }),
  } = options
  const root = pino(
    {
      level: 'debug',
      base: null,
      messageKey: formatter === 'logstash' ? 'message' : 'msg',
      timestamp: () => `,"${formatter === 'logstash' ? '@timestamp' : 'time'}":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    formatter === 'text' ? { write: (line: string) => stream.write(formatText(line)) } : stream,
  )
  const always = { ...(formatter === 'logstash' && { '@version': '1' }), ...(redact(fields) as LogFields) }
  return facade(root.child(always), { level })
}

function facade(logger: pino.Logger, shared: { level: LogLevel }): Log {
  const say = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (ranks[level] < ranks[shared.level]) return
    logger[level](fields === undefined ? {} : (redact(fields) as LogFields), redactText(message))
  }
  return {
    error: say('error'),
    warn: say('warn'),
    info: say('info'),
    debug: say('debug'),
    child: (fields) => facade(logger.child(redact(fields) as LogFields), shared),
    get level() {
      return shared.level
    },
    set level(level) {
      shared.level = level
    },
  }
}

/** A log that says nothing, for tests and tools. */
export const silentLog: Log = createLog({ stream: { write: () => {} } })
