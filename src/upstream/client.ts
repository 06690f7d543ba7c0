import { AppError } from '../errors.ts'
import type { Authorized } from './authorized.ts'
import { discard } from './body.ts'
import type { Answer } from './exchange.ts'
import { retryAfterSeconds, statusFailure } from './failures.ts'
import type { Health } from './health.ts'
import { type PullLimit, parsePullLimit } from './limits.ts'

/** A request to the upstream's API. */
export interface ApiRequest {
  /** Behind the base URL, with its query: `/v2/library/alpine/tags/list`. */
  path: string
  method?: 'GET' | 'HEAD' | undefined
  headers?: Record<string, string> | undefined
  scope?: string | undefined
  /** Requests that an upstream limits together. */
  kind: 'manifests' | 'checks' | 'blobs' | 'lists'
  /** Statuses that are answers besides 2xx, 304 and 416. */
  accepted?: readonly number[] | undefined
  /** In words, for errors: `manifest 1.0 of team/app`. */
  what: string
  verified?: boolean | undefined
  signal?: AbortSignal | undefined
}

export interface Client {
  /** Resolves with a 2xx, 304 or 416, undefined for 404; throws an `AppError` that tells the true cause of anything else. */
  ask(request: ApiRequest): Promise<Answer | undefined>
  /** As `ask`, also while the upstream is blocked and without counting for it: to go on with what was begun. */
  goOn(request: ApiRequest): Promise<Answer | undefined>
  /** Judges an answer that came another way. */
  read(answer: Answer, what: string): Promise<Answer | undefined>
  /** Counts a download that broke off for good against the upstream, when it was the upstream that sent it. */
  broken(error: AppError): void
  /** What was said about limits last. */
  limit(): PullLimit | undefined
}

export interface ClientParts {
  base: URL
  authorized: Authorized
  health: Health
  idleMs: number
  now: () => number
  /** Told how many seconds each answer took to begin. */
  answered?: ((kind: ApiRequest['kind'], seconds: number) => void) | undefined
}

/** A 429 that does not say how long. */
const usualPauseSeconds = 10

/** Sends API requests with login, watched by health, and makes errors out of what is no answer. */
export function createClient({ base, authorized, health, idleMs, now, answered }: ClientParts): Client {
  let limit: PullLimit | undefined

  async function send({
    path,
    method = 'GET',
    headers = {},
    scope,
    kind,
    verified,
    signal,
  }: ApiRequest): Promise<Answer> {
    const url = new URL(base.href.replace(/\/$/, '') + path)
    const began = performance.now()
    const answer = await authorized.send({ url, method, headers, verified, signal }, scope)
    answered?.(kind, (performance.now() - began) / 1000)
    limit = parsePullLimit(answer.headers, new Date(now())) ?? limit
    return answer
  }

  async function judge(answer: Answer, request: Pick<ApiRequest, 'what' | 'accepted'> & { kind?: string }) {
    const { what, kind, accepted = [] } = request
    const { status, headers, place } = answer
    if ((status >= 200 && status < 300) || status === 304 || status === 416 || accepted.includes(status)) return answer
    await discard(answer, idleMs)
    if (status === 404) return undefined
    const error = statusFailure(status, headers, place, what)
    if (status === 429 && kind !== undefined)
      health.slowDown(kind, retryAfterSeconds(headers, now()) ?? usualPauseSeconds)
    throw error
  }

  return {
    async ask(request) {
      const permit = health.enter(request.kind)
      try {
        const answer = await send(request)
        if (answer.status < 500 || answer.status === 501) permit.succeeded()
        else if (answer.url.origin === base.origin) permit.failed(`${answer.place.host} answered ${answer.status}`)
        return await judge(answer, request)
      } catch (error) {
        if (isOutage(error)) permit.failed(error.message)
        // Refused credentials are an answer, too.
        else if (error instanceof AppError && error.code === 'unauthenticated') permit.succeeded()
        throw error
      } finally {
        permit.dropped()
      }
    },
    goOn: async (request) => judge(await send(request), request),
    read: (answer, what) => judge(answer, { what }),
    broken(error) {
      if (isOutage(error) && detailOf(error).host === base.host) health.failed(error.message)
    },
    limit: () => limit,
  }
}

/** A redirect's target that fails (a content network) says nothing about the upstream. */
function isOutage(error: unknown): error is AppError {
  if (!(error instanceof AppError)) return false
  return (
    detailOf(error).redirectedFrom === undefined &&
    (error.code === 'upstream-failed' || error.code === 'upstream-timeout')
  )
}

function detailOf({ detail }: AppError): { host?: string; redirectedFrom?: string } {
  return typeof detail === 'object' && detail !== null ? detail : {}
}
