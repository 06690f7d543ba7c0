import type { ByteStream } from '../storage/driver.ts'
import type { CacheResult } from '../telemetry/proxy-metrics.ts'

/** The address under which the client reached us, after trusted forwarding headers: `{scheme: 'https', host: 'hub.example.com:8443', prefix: ''}`. */
export interface Origin {
  scheme: 'http' | 'https'
  /** Host with its port when the client named one. */
  host: string
  /** What stands before `/v2/` on the outside: empty, or `/registry`. No slash at the end. */
  prefix: string
}

/** One request on its way in: what every protocol needs to know of it, and nothing of any format. */
export interface Incoming {
  /** Request id: taken from a sane `X-Request-Id`, else made; sent back and logged. */
  readonly id: string
  readonly method: string
  /** Path without the prefix and the query, still percent-encoded: `/v2/team/app/manifests/latest`. */
  readonly path: string
  /** Path and query as the client wrote them, prefix included: for logs. */
  readonly target: string
  /** Parsed on first use. */
  readonly query: URLSearchParams
  readonly headers: Headers
  readonly origin: Origin
  /** The client's address, after trusted forwarding headers; empty for a unix socket without them. */
  readonly clientAddress: string
  /** The address at the other end of the connection, whatever headers say; empty for a unix socket. */
  readonly peerAddress: string
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
  /**
   * The body as it arrives; empty when there is none. Rejects with `request-invalid` when the client breaks off or sends nothing
   * for the watchdog's time. Nothing limits its length.
   */
  body(): ByteStream
  /** The body whole. Throws `tooLarge` as soon as more than `maxBytes` arrived or are announced. */
  bodyWhole(maxBytes: number, tooLarge: () => Error): Promise<Uint8Array>
  /** Says that this request or its answer may take as long as bytes keep moving: lifts the idle timeout, the watchdog stays. */
  unhurried(): void
  /** Who asks, once the protocol knows: for the access log only, never for a decision. */
  user?: string | undefined
  /** What kind of thing is asked for (`blob`, `manifest`, `tags`): a short fixed word for metrics. Set by the protocol. */
  route?: string | undefined
  /** Of an answer of a proxy repository: how it came by it. For the access log only. */
  cache?: CacheResult | undefined
}

/** Answers a request. Throws only bugs: a protocol maps its own errors. */
export type Handler = (incoming: Incoming) => Response | Promise<Response>
