import { isIP } from 'node:net'
import type { Origin } from './incoming.ts'
import { createNetworks } from './networks.ts'

export interface ForwardedOptions {
  /** Addresses and CIDR networks whose forwarding headers are believed: `['127.0.0.0/8', '10.1.2.3', 'fd00::/8']`. */
  trustedProxies: readonly string[]
  /** `http.host`: the address everyone uses, `https://hub.example.com[:port][/prefix]`. Overrides whatever the request says. */
  host?: string | undefined
  /** `http.prefix`: `/registry/`. What `X-Forwarded-Prefix` replaces. */
  prefix?: string | undefined
}

/** Tells who really asks and under which address, from what a trusted reverse proxy says. */
export interface Forwarded {
  /** `peer` is the address at the other end of the connection, empty for a unix socket (always trusted: only local processes reach it). */
  origin(peer: string, headers: Headers, encrypted: boolean): Origin
  clientAddress(peer: string, headers: Headers): string
}

const hostPattern = /^(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9._-]{0,252}[a-z0-9])?)(?::[0-9]{1,5})?$/i
const prefixPattern = /^(?:\/[A-Za-z0-9._~-]+)+\/?$/

/**
 * Reads `Forwarded` (RFC 7239) and the `X-Forwarded-*` family, only from trusted peers; malformed values are ignored.
 * The origin takes `Forwarded` first and the leftmost (outermost) item of a list. The client address takes the rightmost address that is not
 * itself a trusted proxy, from `X-Forwarded-For` first: most proxies pass a client's own `Forwarded` through, and it must not be able to choose its address.
 * Throws RangeError for a malformed network or host setting, naming it.
 */
export function createForwarded({ trustedProxies, host, prefix = '' }: ForwardedOptions): Forwarded {
  const isTrusted = createTrust(trustedProxies)
  const ownPrefix = trimSlash(prefix)
  const fixed = host ? parseHostSetting(host, ownPrefix) : undefined

  return {
    origin(peer, headers, encrypted) {
      if (fixed) return fixed
      const named = headers.get('host') ?? ''
      const plain: Origin = {
        scheme: encrypted ? 'https' : 'http',
        host: hostPattern.test(named) ? named : 'localhost',
        prefix: ownPrefix,
      }
      return isTrusted(peer) ? forwardedOrigin(headers, plain) : plain
    },
    clientAddress(peer, headers) {
      if (!isTrusted(peer)) return peer
      const chain = addressChain(headers)
      for (let index = chain.length - 1; index >= 0; index--) {
        const address = chain[index] as string
        // An unreadable hop hides whoever stands left of it.
        if (address === '') return chain[index + 1] ?? peer
        if (index === 0 || !isTrusted(address)) return address
      }
      return peer
    },
  }
}

function forwardedOrigin(headers: Headers, plain: Origin): Origin {
  const first = forwardedElements(headers.get('forwarded'))[0]
  const scheme = (first?.proto ?? firstItem(headers.get('x-forwarded-proto')))?.toLowerCase()
  const named = first?.host ?? firstItem(headers.get('x-forwarded-host'))
  const outside = firstItem(headers.get('x-forwarded-prefix'))
  const origin: Origin = {
    scheme: scheme === 'https' || scheme === 'http' ? scheme : plain.scheme,
    host: named && hostPattern.test(named) ? named : plain.host,
    prefix: outside !== undefined && isPrefix(outside) ? trimSlash(outside) : plain.prefix,
  }
  const port = firstItem(headers.get('x-forwarded-port'))
  const usual = origin.scheme === 'https' ? '443' : '80'
  if (port && /^[0-9]{1,5}$/.test(port) && port !== usual && !/:[0-9]+$/.test(origin.host)) origin.host += `:${port}`
  return origin
}

/** The addresses a request came through, outermost first; an empty string where one could not be read. */
function addressChain(headers: Headers): string[] {
  const list = headers.get('x-forwarded-for')
  if (list !== null) return list.split(',').map(bareAddress)
  const elements = forwardedElements(headers.get('forwarded'))
  if (elements.length > 0) return elements.map((element) => bareAddress(element.for ?? ''))
  const single = headers.get('x-real-ip')
  return single === null ? [] : [bareAddress(single)]
}

/** RFC 7239 section 4: `for=192.0.2.1;proto=https;host="hub.example.com:8443", for=...`. */
function forwardedElements(header: string | null): Record<string, string>[] {
  if (!header || header.length > 4096) return []
  return splitOutsideQuotes(header, ',').map((element) => {
    const pairs: Record<string, string> = {}
    for (const pair of splitOutsideQuotes(element, ';')) {
      const match = /^\s*([a-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";,]*))\s*$/i.exec(pair)
      if (match?.[1]) pairs[match[1].toLowerCase()] = match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? ''
    }
    return pairs
  })
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    const letter = text[index]
    if (letter === '\\' && isQuoted) index++
    else if (letter === '"') isQuoted = !isQuoted
    else if (letter === separator && !isQuoted) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

/** `"[2001:db8::1]:4711"` -> `2001:db8::1`; `192.0.2.1:80` -> `192.0.2.1`; empty when it is no address. */
function bareAddress(text: string): string {
  const trimmed = text.trim()
  const bracketed = /^\[([^\]]+)\](?::[0-9]+)?$/.exec(trimmed)?.[1]
  const address = bracketed ?? (/^[0-9.]+:[0-9]+$/.test(trimmed) ? trimmed.slice(0, trimmed.indexOf(':')) : trimmed)
  return isIP(address) === 0 ? '' : address
}

/** A unix socket has no address, and only local processes reach it. */
function createTrust(networks: readonly string[]): (peer: string) => boolean {
  const isListed = createNetworks(networks, 'trusted proxy')
  return (peer) => peer === '' || isListed(peer)
}

function parseHostSetting(setting: string, ownPrefix: string): Origin {
  const match = /^(https?):\/\/([^/]+)(\/.*)?$/i.exec(setting)
  const [, scheme = '', named = '', path = ''] = match ?? []
  if (!match || !hostPattern.test(named) || !(path === '' || path === '/' || isPrefix(path)))
    throw new RangeError(
      `http.host "${setting}" is not an address; write https://hub.example.com or http://10.0.0.5:5000`,
    )
  return { scheme: scheme.toLowerCase() as Origin['scheme'], host: named, prefix: trimSlash(path) || ownPrefix }
}

function isPrefix(text: string): boolean {
  return (
    text === '' || text === '/' || (text.length <= 256 && prefixPattern.test(text) && !/\/\.\.?(?:\/|$)/.test(text))
  )
}

function trimSlash(text: string): string {
  return text.endsWith('/') ? text.slice(0, -1) : text
}

function firstItem(header: string | null): string | undefined {
  if (header === null) return undefined
  const comma = header.indexOf(',')
  return (comma < 0 ? header : header.slice(0, comma)).trim()
}
