import { isIP } from 'node:net'
import { isAbsolute, resolve } from 'node:path'

/** Why a text is no value of its kind, and what to write instead. Neither repeats the text: it may be a secret. */
export class Wrong {
  readonly reason: string
  readonly fix: string
  constructor(reason: string, fix: string) {
    this.reason = reason
    this.fix = fix
  }
}

/** One kind of value: how its text is read, and how it is shown again. */
export interface Kind<V> {
  /** For people: `duration`, `true or false`. */
  readonly name: string
  /** Reads a text that is not empty. Relative paths are taken from `cwd`. */
  readonly parse: (text: string, cwd: string) => V | Wrong
  /** The value as it would be written in a file, with nothing secret in it. */
  show(value: V): string | number | boolean
  /** A text that could not be read, with nothing secret in it. */
  readonly mask: (text: string) => string
  /** The value is words, not YAML: a variable's value is taken as it stands, unless it is quoted. */
  readonly verbatim: boolean
}

/** A kind whose values are shown as they are written, unless `more` says otherwise. */
export function kind<V>(name: string, parse: Kind<V>['parse'], more: Partial<Kind<V>> = {}): Kind<V> {
  return { name, parse, show: (value) => String(value), mask: (text) => text, verbatim: true, ...more }
}

/** Any words. */
export const text = kind<string>('text', (given) => given)

/** Words that are never shown. */
export const secret = kind<string>('secret', (given) => given, { show: () => '***', mask: () => '***' })

/** A file or folder; the value is absolute. `~` is a name like any other. */
export const path = kind<string>('path', (given, cwd) => resolve(cwd, given))

/** `true` or `false`, and the other words of YAML 1.1, which registry:2 reads. */
export const boolean = kind<boolean>(
  'true or false',
  (given) => {
    const word = given.toLowerCase()
    if (['true', 'yes', 'on', 'y'].includes(word)) return true
    if (['false', 'no', 'off', 'n'].includes(word)) return false
    return new Wrong('is neither true nor false', 'write true or false')
  },
  { show: (value) => value, verbatim: false },
)

/** A whole number from `min` on. */
export function integer(min: number): Kind<number> {
  const parse = (given: string) => {
    const value = /^[+-]?\d+$/.test(given) ? Number(given) : Number.NaN
    if (!Number.isSafeInteger(value)) return new Wrong('is not a whole number', `write a whole number, ${min} or more`)
    return value < min ? new Wrong(`is less than ${min}`, `write ${min} or more`) : value
  }
  return kind('whole number', parse, { show: (value) => value, verbatim: false })
}

const milliseconds = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A length of time such as `1h30m`, at least `minMs`; the value is in milliseconds. */
export function duration(minMs: number): Kind<number> {
  const parse = (given: string) => {
    if (given === '0') return check(0)
    if (/^\d+$/.test(given)) return new Wrong('has no unit', 'add one, as in 30s, 5m, 168h')
    if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d))+$/.test(given))
      return new Wrong('is not a duration', 'write numbers with units: ms, s, m, h, d; for example 1h30m')
    const parts = given.matchAll(/([\d.]+)([a-zµ]+)/g)
    return check([...parts].reduce((sum, [, count, unit]) => sum + Number(count) * milliseconds[unit as 's'], 0))
  }
  const check = (value: number) =>
    value < minMs ? new Wrong('is too short', `write ${showDuration(minMs)} or more`) : Math.round(value)
  return kind('duration', parse, { show: showDuration, verbatim: false })
}

function showDuration(value: number): string {
  for (const unit of ['h', 'm', 's'] as const)
    if (value > 0 && value % milliseconds[unit] === 0) return `${value / milliseconds[unit]}${unit}`
  return value === 0 ? '0s' : `${value}ms`
}

const bytes: Record<string, number> = {
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
}

/** A number of bytes such as `10MB` (millions) or `4MiB` (powers of two); the value is in bytes. */
export const size = kind<number>(
  'size',
  (given) => {
    const [, count, unit] = /^(\d+(?:\.\d+)?)\s*(?:([kmgt]i?)?b?)$/i.exec(given) ?? []
    const value = Math.round(Number(count) * (unit ? bytes[unit.toLowerCase()]! : 1))
    return Number.isSafeInteger(value) ? value : new Wrong('is not a size', 'write bytes, or a unit: 500MB, 4MiB, 2GiB')
  },
  { show: (value) => value, verbatim: false },
)

/** Bytes per second such as `50MB/s`; the value is in bytes. */
export const bandwidth = kind<number>(
  'bytes per second',
  (given, cwd) => {
    const value = size.parse(given.replace(/\s*\/\s*s$/i, ''), cwd)
    if (typeof value === 'number' && value > 0) return value
    return new Wrong('is no number of bytes per second', 'write a unit, as in 500kB/s, 50MB/s or 1GB/s')
  },
  { show: (value) => value, verbatim: false },
)

/** One of some words. `missing` are words that are known but not supported yet, each with what to do instead. */
export function choice<const Word extends string>(
  words: readonly Word[],
  missing: Readonly<Record<string, string>> = {},
): Kind<Word> {
  const parse = (given: string) => {
    const fix = missing[given]
    if (fix) return new Wrong('is not supported by this version', fix)
    return words.find((word) => word === given) ?? new Wrong('is none of the choices', `write ${words.join(' or ')}`)
  }
  return kind(words.join(', '), parse, { verbatim: false })
}

/** Where to listen: a host (empty: every interface) and a port (0: any free one), or the path of a unix socket. */
export type Address = { readonly host: string; readonly port: number } | { readonly socket: string }

/** `[host]:port` with IPv6 hosts in brackets, or the absolute path of a unix socket. */
export const address = kind<Address>(
  'address',
  (given) => {
    if (isAbsolute(given)) return { socket: given }
    const [, six, name, digits] = /^(?:\[([^\]]+)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(given) ?? []
    if (digits === undefined || Number(digits) > 65_535 || (six && isIP(six) !== 6))
      return new Wrong('is not an address', 'write host:port or :port, for example :5000, 127.0.0.1:5000 or [::1]:5000')
    return { host: six ?? name ?? '', port: Number(digits) }
  },
  {
    show: (value) => {
      if ('socket' in value) return value.socket
      return `${value.host.includes(':') ? `[${value.host}]` : value.host}:${value.port}`
    },
  },
)

/** An IP address or a range of them, `10.0.0.0/8`. */
export const network = kind<string>('address or range', (given) => {
  const [ip = '', prefix, ...rest] = given.split('/')
  const bits = isIP(ip) === 4 ? 32 : 128
  const ranged = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)
  if (isIP(ip) && ranged && rest.length === 0) return given
  return new Wrong('is neither an IP address nor a range', 'write for example 192.0.2.7, 10.0.0.0/8 or fd00::/8')
})

/** A host that we reach ourselves: its name, an IP address, or a range of them. */
export const outboundTarget = kind<string>('host, address or range', (given, cwd) => {
  if (given.includes('/') || isIP(given)) return network.parse(given, cwd)
  if (/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(given)) return given
  return new Wrong('is neither a host nor an address', 'write for example files.corp.example.com or 10.1.0.0/16')
})

/** Without users and passwords. Hides too much rather than too little: what is masked may be misspelt. */
const hidden = (url: string) => url.replace(/(:\/\/|:).*@/, '$1***@').replace(/(password=)[^&\s]*/gi, '$1***')

/** The address under which clients see us. */
export const webUrl = kind<string>(
  'URL',
  (given) => {
    const url = URL.canParse(given) ? new URL(given) : undefined
    if (!url || !/^https?:\/\//i.test(given))
      return new Wrong('is not a web address', 'write https://host or http://host:port')
    if (url.username || url.password || url.search || url.hash)
      return new Wrong('has more than scheme, host, port and path', 'leave out user, password, query and fragment')
    return given.replace(/\/+$/, '')
  },
  { mask: hidden, show: hidden },
)

/** Where to search for images of an upstream. */
export const searchIndex = kind<string>(
  '`auto`, `upstream`, `hub`, `none`, or URL',
  (given) => {
    if (['auto', 'upstream', 'hub', 'none'].includes(given)) return given
    const url = URL.canParse(given) ? new URL(given) : undefined
    if (url && /^https?:\/\//i.test(given) && !(url.username || url.password || url.search || url.hash)) return given
    return new Wrong('is no place to search', 'write auto, upstream, hub, none, or https://host of an index')
  },
  { mask: hidden, show: hidden },
)

/** An HTTP proxy for requests of ours, with user and password where it wants them, or `none`. */
export const outboundProxy = kind<string>(
  'URL of an HTTP proxy',
  (given) => {
    if (given === 'none') return given
    if (URL.canParse(given) && /^https?:\/\/[^/]/i.test(given)) return given
    return new Wrong(
      'is not the address of an HTTP proxy',
      'write http://host:port, http://user:password@host:port or none',
    )
  },
  { mask: hidden, show: hidden },
)

/** A syslog receiver. */
export const syslogUrl = kind<string>('syslog address', (given) => {
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (url?.hostname && ['udp:', 'tcp:'].includes(url.protocol)) return given
  return new Wrong('is not the address of a syslog receiver', 'write udp://host:514 or tcp://host:601')
})

/** What stands before `/v2/` in the path; the value is empty or starts with a slash, and never ends with one. */
export const prefix = kind<string>('path prefix', (given) => {
  if (given === '') return ''
  if (/^(\/[\w.~%-]*)+$/.test(given) && !given.includes('//')) return given.replace(/\/$/, '')
  return new Wrong('is not a path', 'write it with slashes at both ends, for example /registry/')
})

/** `sqlite:PATH` (the value has an absolute path) or `postgres://...`. */
export const database = kind<string>(
  'database',
  (given, cwd) => {
    const file = /^sqlite:(.+)$/.exec(given)?.[1]
    if (file === ':memory:')
      return new Wrong('cannot be kept in memory', 'name a file; one below /tmp does for trying things out')
    if (file) return `sqlite:${resolve(cwd, file)}`
    if (/^postgres(ql)?:\/\//.test(given) && URL.canParse(given)) return given
    return new Wrong('is no database', 'write sqlite:PATH or postgres://user:password@host:5432/name')
  },
  { show: hidden, mask: hidden },
)

/** The name of a host as clients write it, with a port where it is not the usual one. */
export const hostName = kind<string>('host name', (given) => {
  const name = given.toLowerCase()
  if (/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\d{1,5})?$/.test(name)) return name
  return new Wrong('is not a host name', 'write it as clients do, without scheme and path: hub.example.com')
})

/** The value of an HTTP header. */
export const headerValue = kind<string>('text', (given) =>
  /^[\t\x20-\x7e\x80-\xff]*$/.test(given)
    ? given
    : new Wrong('has characters no header may carry', 'leave out line breaks and control characters'),
)

/** The name of an HTTP header (RFC 9110, "token"). */
export const headerName = kind<string>('header name', (given) =>
  /^[\w!#$%&'*+.^`|~-]+$/.test(given) ? given : new Wrong('is no header name', 'use letters, digits and dashes'),
)

/** A signature of a JSON Web Token that needs no shared secret. */
export const signature = choice([
  'EdDSA',
  'ES256',
  'ES384',
  'ES512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
])
