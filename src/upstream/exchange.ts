import { AppError } from '../errors.ts'
import { version } from '../version.ts'
import { abortable } from './abort.ts'
import { literalAddress } from './addresses.ts'
import { connectionFailure, failure, isUnconnected, type Place } from './failures.ts'
import type { Guard } from './guard.ts'
import type { Outbound, OwnRoute, Route } from './outbound.ts'

export interface Outgoing {
  url: URL
  method: 'GET' | 'HEAD' | 'POST'
  headers: Record<string, string>
  body?: string | undefined
  signal?: AbortSignal | undefined
}

/** An answer whose headers are there. Whoever gets it reads the body or aborts it. */
export interface Answer {
  status: number
  headers: Headers
  /** Where it came from in the end. */
  url: URL
  place: Place
  body: ReadableStream<Uint8Array> | null
  /** Ends the transfer; reading the body rejects with `reason`. */
  abort(reason?: unknown): void
}

/** One request and its answer, whatever the status; no redirect is followed. Throws `upstream-failed`, `upstream-timeout` or `policy-refused`, or the reason of the caller's signal. */
export type Exchange = (outgoing: Outgoing) => Promise<Answer>

/** The part of the global `fetch` that is used. */
export type Fetch = (url: string, options: BunFetchRequestInit) => Promise<Response>

export interface ExchangeParts {
  /** Name of the upstream. */
  name: string
  own: OwnRoute
  responseMs: number
  fetch: Fetch
  guard: Guard
  outbound: Outbound
}

/** How requests leave the house: past the guard, through the right proxy, with a limit on how long the answer may take. */
export function createExchange({ name, own, responseMs, fetch, guard, outbound }: ExchangeParts): Exchange {
  async function attempt(outgoing: Outgoing, route: Route, address: string | undefined, signal: AbortSignal) {
    const { method, body } = outgoing
    const pinned = address === undefined ? undefined : pin(outgoing.url, address)
    return fetch((pinned?.url ?? outgoing.url).href, {
      method,
      headers: {
        'user-agent': `entrepot/${version}`,
        'accept-encoding': 'identity',
        ...outgoing.headers,
        ...(pinned && { host: outgoing.url.host }),
      },
      ...(body !== undefined && { body }),
      signal,
      redirect: 'manual',
      decompress: false,
      // Waiting is measured by us, and only while we wait: a slow reader is no idle upstream.
      timeout: false,
      proxy: route.proxy,
      tls: { ...route.tls, ...(pinned && { serverName: outgoing.url.hostname.replace(/\.$/, '') }) },
    } as BunFetchRequestInit)
  }

  return async (outgoing) => {
    const { url, signal } = outgoing
    signal?.throwIfAborted()
    const route = outbound.route(url, own)
    const place: Place = {
      upstream: name,
      host: url.host,
      ...(route.proxy !== false && { proxy: new URL(route.proxy.url).host, isTunnel: url.protocol === 'https:' }),
    }
    const transfer = new AbortController()
    const stop = signal ? AbortSignal.any([signal, transfer.signal]) : transfer.signal
    const timer = setTimeout(() => {
      transfer.abort(failure('upstream-timeout', place, `no answer from ${url.host} within ${responseMs / 1000} s`))
    }, responseMs)
    try {
      const addresses = await abortable(guard.check(url, { viaProxy: route.proxy !== false }), stop)
      const response = await firstConnected(addresses, (address) => attempt(outgoing, route, address, stop))
      const { status, headers, body } = response
      return { status, headers, url, place, body, abort: (reason) => transfer.abort(reason) }
    } catch (error) {
      if (stop.aborted) throw stop.reason
      throw error instanceof AppError ? error : connectionFailure(error, place)
    } finally {
      clearTimeout(timer)
    }
  }
}

/**
 * The URL with the address that was checked in place of the name. The name goes along as Host and, for TLS, as the server name that is asked
 * for and that the certificate must carry; measured with Bun 1.4.5, whose pool also keeps such connections apart by that name.
 */
function pin(url: URL, address: string): { url: URL } {
  const pinned = new URL(url)
  pinned.hostname = literalAddress(address)?.includes(':') ? `[${address}]` : address
  return { url: pinned }
}

/** Tries addresses in the order the system gives them, going on only when no connection came about. */
async function firstConnected<T>(
  addresses: string[] | undefined,
  attempt: (address?: string) => Promise<T>,
): Promise<T> {
  if (addresses === undefined || addresses.length === 0) return attempt(undefined)
  for (const address of addresses.slice(0, -1)) {
    try {
      return await attempt(address)
    } catch (error) {
      if (!isUnconnected(error)) throw error
    }
  }
  return attempt(addresses.at(-1))
}
