import { AppError, type ErrorCode } from '../errors.ts'

/** Who did not do what was asked, for messages: one upstream, at one host, perhaps behind a proxy. */
export interface Place {
  upstream: string
  host: string
  /** `proxy.example.com:3128` when one stands between. */
  proxy?: string | undefined
  /** The proxy only passes TLS through, so that answers are surely the host's own. */
  isTunnel?: boolean | undefined
}

/** Who gave an answer, as far as one can know. */
export function answerer({ host, proxy, isTunnel }: Place): string {
  return proxy === undefined || isTunnel ? host : `${host} or the outbound proxy ${proxy}`
}

/** An outage or a broken answer, told with the upstream's name. */
export function failure(
  code: ErrorCode,
  place: Place,
  what: string,
  more: { cause?: unknown; headers?: Record<string, string>; detail?: Record<string, unknown> } = {},
): AppError {
  const { detail, ...rest } = more
  return new AppError(code, `upstream ${place.upstream}: ${what}`, {
    ...rest,
    detail: { upstream: place.upstream, host: place.host, ...detail },
  })
}

/** Certificates do not get better by trying again. */
const certificateCodes = /^(?:ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|ERR_SSL_)/

/** An error of `fetch` or of a name lookup, as what it means. */
export function connectionFailure(error: unknown, place: Place): AppError {
  const { host, proxy } = place
  const code = errorCode(error)
  const end = proxy === undefined ? host : `the outbound proxy ${proxy}`
  const say = (what: string) => failure('upstream-failed', place, what, { cause: error, detail: { reason: code } })
  if (code === 'ERR_PROXY_TUNNEL') {
    return say(`the outbound proxy ${proxy} does not let us through to ${host}: ${(error as Error).message}`)
  }
  if (certificateCodes.test(code)) {
    return say(`the certificate of ${host} is not accepted (${code}); add its authority as ca`)
  }
  if (code === 'ENOTFOUND' || code.startsWith('EAI_') || code.startsWith('DNS_'))
    return say(`the name of ${end} cannot be resolved`)
  if (code === 'ECONNREFUSED') return say(`${end} refuses connections`)
  if (code === 'ECONNRESET' || code === 'EPIPE') return say(`${end} closed the connection before all was sent`)
  return say(`${end} cannot be reached (${code})`)
}

/** Whether it may go better the next time. */
export function isWorthRetry(error: unknown): boolean {
  if (!(error instanceof AppError) || error.code !== 'upstream-failed') return false
  const code = errorCode(error.cause)
  return code !== 'ERR_PROXY_TUNNEL' && !certificateCodes.test(code)
}

/** Whether no connection came about, so that another address may do better. */
export function isUnconnected(error: unknown): boolean {
  return ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ETIMEDOUT'].includes(errorCode(error))
}

/** What a status that is no success means. 404 is for the caller: it may be an answer. */
export function statusFailure(status: number, headers: Headers, place: Place, what: string): AppError {
  const detail = { status }
  if (status === 407) {
    return failure(
      'upstream-failed',
      place,
      `the outbound proxy ${place.proxy ?? place.host} wants other credentials (407)`,
      { detail },
    )
  }
  const retryAfter = retryAfterSeconds(headers)
  if (status === 429) {
    return failure('throttled', place, `${answerer(place)} asks us to slow down (429) for ${what}`, {
      detail,
      headers: retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
    })
  }
  if (status === 401 || status === 403) {
    return failure(
      'denied',
      place,
      `${answerer(place)} does not allow us ${what} (${status}): it is not there, or the upstream's credentials may not read it`,
      { detail },
    )
  }
  return failure(
    status === 504 || status === 408 ? 'upstream-timeout' : 'upstream-failed',
    place,
    `${answerer(place)} answers ${status} to ${what}`,
    {
      detail,
      headers: retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
    },
  )
}

/** `Retry-After` in seconds, whether written so or as a date; at most a day. Undefined when it says nothing of use. */
export function retryAfterSeconds(headers: Headers, now = Date.now()): number | undefined {
  const text = headers.get('retry-after')?.trim() ?? ''
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - now) / 1000)
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(0, seconds), 86_400)
}

function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'unknown'
}
