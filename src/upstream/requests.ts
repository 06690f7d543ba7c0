import { AppError } from '../errors.ts'
import { pause } from './abort.ts'
import { discard } from './body.ts'
import type { Answer, Exchange, Outgoing } from './exchange.ts'
import { failure, isWorthRetry, retryAfterSeconds } from './failures.ts'
import type { Timing } from './settings.ts'

const maxRedirects = 5
/** What may follow a redirect to somewhere else. Above all not Authorization. */
const harmless = new Set(['accept', 'range', 'if-none-match'])
const passing = new Set([408, 500, 502, 503, 504])

export interface Request extends Outgoing {
  /** The bytes are checked by digest: a redirect from https to http does no harm. */
  verified?: boolean | undefined
}

/**
 * Sends requests that may be repeated: tries again after broken connections and 5xx, waits for a short `Retry-After`, follows redirects. Resolves with the
 * last answer whatever its status; throws what `Exchange` throws. An error after a redirect to another host has `redirectedFrom` in its detail.
 */
export type Requests = (request: Request) => Promise<Answer>

export function createRequests(exchange: Exchange, timing: Timing): Requests {
  return async (request) => {
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt >= timing.attempts
      const delay = timing.retryDelayMs * 2 ** (attempt - 1)
      let wait = delay
      try {
        const answer = await follow(exchange, request, timing)
        const asked = retryAfterSeconds(answer.headers)
        const isPassing = passing.has(answer.status) || (answer.status === 429 && asked !== undefined)
        wait = Math.max(delay, 2000 * (asked ?? 0)) // `pause` may halve it, and earlier than asked is too early
        if (isLast || !isPassing || (asked ?? 0) * 1000 > timing.maxRetryAfterMs) return answer
        await discard(answer, timing.idleMs)
      } catch (error) {
        if (isLast || !isWorthRetry(error)) throw error
      }
      await pause(wait, request.signal)
    }
  }
}

async function follow(exchange: Exchange, request: Request, timing: Timing): Promise<Answer> {
  let { url, headers } = request
  for (let hops = 0; ; hops++) {
    const answer = await exchange({ ...request, url, headers }).catch((error) => {
      throw url.origin === request.url.origin ? error : elsewhere(error, request.url.host)
    })
    const target = redirectTarget(answer, request)
    if (!target) return answer
    await discard(answer, timing.idleMs)
    if (hops >= maxRedirects) throw failure('upstream-failed', answer.place, `more than ${maxRedirects} redirects`)
    // Scheme, host and port: the credentials are for exactly this server.
    if (target.origin !== url.origin) {
      headers = Object.fromEntries(Object.entries(headers).filter(([name]) => harmless.has(name.toLowerCase())))
    }
    url = target
  }
}

/** The same error, saying that it is not the upstream itself that failed. */
function elsewhere(error: unknown, redirectedFrom: string): unknown {
  if (!(error instanceof AppError)) return error
  const { code, message, detail, cause, headers } = error
  return new AppError(code, message, { detail: { ...(detail as object), redirectedFrom }, cause, headers })
}

function redirectTarget(answer: Answer, { method, verified = false }: Request): URL | undefined {
  const location = answer.headers.get('location')
  if (![301, 302, 303, 307, 308].includes(answer.status) || location === null) return undefined
  const refuse = (what: string) => {
    answer.abort()
    return failure('upstream-failed', answer.place, `${answer.place.host} redirects ${what}`)
  }
  if (method === 'POST') throw refuse('what was sent to it')
  if (!URL.canParse(location, answer.url.href)) throw refuse('to something that is no URL')
  const target = new URL(location, answer.url)
  if (target.protocol !== 'https:' && answer.url.protocol === 'https:' && !verified) {
    throw refuse(`from https to ${target.protocol}//${target.host}, where anyone could change the answer`)
  }
  target.username = ''
  target.password = ''
  return target
}
