import * as tls from 'node:tls'
import { createNetworks, literalAddress, parseNetwork } from './addresses.ts'

export interface OutboundSettings {
  /** `http://user:password@proxy.example.com:3128`, for http and https targets. */
  proxy?: string | undefined
  /** `corp.example.com` (it and what is below it), `.corp.local` (what is below it), `10.0.0.0/8`, `host:5000`, `*`. */
  noProxy?: readonly string[] | undefined
  /** PEM text of authorities that are trusted besides the system's. */
  ca?: string | undefined
}

/** What one upstream wants different. */
export interface OwnRoute {
  /** A proxy of its own, for which `noProxy` does not count, or `none`. */
  proxy?: string | undefined
  ca?: string | undefined
  insecure?: boolean | undefined
}

/** How to get to a URL; options of `fetch`. */
export interface Route {
  proxy: { url: string; respectNoProxy: false } | false
  tls: { ca?: string; rejectUnauthorized?: boolean }
}

export interface Outbound {
  route(url: URL, own?: OwnRoute): Route
}

/**
 * Chooses proxy and trusted authorities for outbound requests. Proxy and list fall back to `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` (either
 * case) one by one when they are not set; a proxy from the environment is never used for loopback, as curl and Go have it. Throws TypeError or RangeError for a
 * setting that cannot be read.
 */
export function createOutbound(
  settings: OutboundSettings = {},
  environment: Record<string, string | undefined> = {},
): Outbound {
  const variable = (name: string) => environment[name.toLowerCase()] || environment[name] || undefined
  const skip = createNoProxy(settings.noProxy ?? variable('NO_PROXY')?.split(',') ?? [])
  const given = settings.proxy === undefined ? undefined : checkProxy(settings.proxy)
  const inherited = (url: URL) => {
    const proxy = variable(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY') ?? variable('ALL_PROXY')
    return proxy === undefined || isLoopback(url)
      ? undefined
      : checkProxy(proxy.includes('://') ? proxy : `http://${proxy}`)
  }

  function proxyFor(url: URL, own: string | undefined): string | undefined {
    if (own === 'none') return undefined
    if (own !== undefined) return checkProxy(own)
    return skip(url) ? undefined : (given ?? inherited(url))
  }

  return {
    route(url, own = {}) {
      const proxy = proxyFor(url, own.proxy)
      const ca = bundle(settings.ca, own.ca)
      return {
        // Left to itself, fetch obeys the environment even over a proxy that it is told to use.
        proxy: proxy === undefined ? false : { url: proxy, respectNoProxy: false },
        tls: { ...(ca !== undefined && { ca }), ...(own.insecure && { rejectUnauthorized: false }) },
      }
    },
  }
}

/** Tells whether a URL is reached without a proxy. Throws RangeError for a range that is none. */
export function createNoProxy(entries: readonly string[]): (url: URL) => boolean {
  const rules = entries
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .map(createRule)
  return (url) =>
    rules.some((rule) => rule(url.hostname.replace(/\.$/, ''), url.port || (url.protocol === 'https:' ? '443' : '80')))
}

function createRule(entry: string): (host: string, port: string) => boolean {
  if (entry === '*') return () => true
  if (parseNetwork(entry) || entry.includes('/')) {
    const isInside = createNetworks([entry])
    return (host) => {
      const address = literalAddress(host)
      return address !== undefined && isInside(address)
    }
  }
  const [, name = '', wanted] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? []
  const suffix = name.replace(/^\*?\./, '')
  const onlyBelow = suffix !== name
  return (host, port) =>
    (wanted === undefined || wanted === port) && ((host === suffix && !onlyBelow) || host.endsWith(`.${suffix}`))
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

/** Bun's fetch speaks to HTTP proxies only, plain or over TLS. */
function checkProxy(text: string): string {
  const { protocol, href } = new URL(text)
  if (protocol === 'http:' || protocol === 'https:') return href
  throw new RangeError(`an outbound proxy is http:// or https://, not ${protocol}//`)
}

const bundles = new Map<string, string | undefined>()

/**
 * The authorities that come with the program, those of this machine and the given ones, as one text: it is the same string each time, which lets fetch find its
 * TLS context by comparing it. Undefined: nothing is known besides what fetch trusts by itself.
 */
function bundle(...extra: (string | undefined)[]): string | undefined {
  const own = extra.filter((text) => text !== undefined).join('\n')
  if (bundles.has(own)) return bundles.get(own)
  const usual = tls.getCACertificates('default')
  const known = new Set(usual.map((one) => one.trim()))
  // Fetch does not look there by itself, and it is where companies put their authority.
  const machine = tls.getCACertificates('system').filter((one) => !known.has(one.trim()))
  const whole = own === '' && machine.length === 0 ? undefined : [...usual, ...machine, own].join('\n')
  bundles.set(own, whole)
  return whole
}
