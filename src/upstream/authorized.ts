import { discard } from './body.ts'
import { parseChallenges } from './challenge.ts'
import type { Answer } from './exchange.ts'
import { answerer, failure } from './failures.ts'
import type { Request, Requests } from './requests.ts'
import { type Account, type BearerService, basicAuthorization, type Tokens } from './tokens.ts'

/** How an upstream wants to be logged in to, as far as is known. */
type Way =
  | { scheme: 'none' }
  | { scheme: 'basic'; authorization: string }
  | { scheme: 'bearer'; service: BearerService }

export interface Authorized {
  /** Sends a request with what the upstream wants for the scope, finding that out on the way. Throws `unauthenticated` when what is set for it is refused. */
  send(request: Request, scope: string | undefined): Promise<Answer>
  /** `none` until the upstream has asked for something. */
  readonly scheme: Way['scheme']
}

/** Sends credentials only once they are asked for, and then with every request. */
export function createAuthorized(
  home: URL,
  account: Account,
  requests: Requests,
  tokens: Tokens,
  idleMs: number,
): Authorized {
  let way: Way = { scheme: 'none' }

  async function authorizationFor(
    used: Way,
    scope: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    if (used.scheme === 'none') return undefined
    return used.scheme === 'basic' ? used.authorization : `Bearer ${await tokens.get(used.service, scope, signal)}`
  }

  /** The way a challenge asks for. Bearer wins, as with other clients. */
  function wayOf(answer: Answer): Way {
    const challenges = parseChallenges(answer.headers.get('www-authenticate'))
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters['realm'])
    if (bearer) {
      const { realm = '', service, scope } = bearer.parameters
      // Ours names what we need; some services want one of their own kind besides.
      const extraScope = scope && !/^(?:repository|registry)[:(]/.test(scope) ? scope : undefined
      return { scheme: 'bearer', service: { realm, service, extraScope } }
    }
    if (challenges.some(({ scheme }) => scheme === 'basic')) {
      if (account.username === undefined)
        throw refused(answer, 'wants a login and no username is set for this upstream')
      return { scheme: 'basic', authorization: basicAuthorization(account.username, account.password ?? '') }
    }
    const offered = challenges.map(({ scheme }) => scheme).join(', ') || 'nothing'
    throw refused(answer, `wants a login in a way we cannot: ${offered}`)
  }

  function refused(answer: Answer, what: string) {
    return failure('unauthenticated', answer.place, `${answerer(answer.place)} ${what}`, { detail: { status: 401 } })
  }

  async function once(request: Request, used: Way, scope: string | undefined) {
    const authorization = await authorizationFor(used, scope, request.signal)
    const headers = { ...request.headers, ...(authorization !== undefined && { authorization }) }
    return { authorization, answer: await requests({ ...request, headers }) }
  }

  return {
    get scheme() {
      return way.scheme
    },
    async send(request, scope) {
      const used = way
      const { authorization, answer } = await once(request, used, scope)
      // Where a redirect led to, our login means nothing.
      if (answer.status !== 401 || answer.url.origin !== home.origin) return answer
      await discard(answer, idleMs)
      const next = wayOf(answer)
      if (used.scheme === 'basic' && next.scheme === 'basic') {
        throw refused(answer, `refuses the credentials set for this upstream, of user ${account.username}`)
      }
      if (used.scheme === 'bearer' && authorization) tokens.forget(authorization.slice('Bearer '.length))
      way = next
      const second = await once(request, next, scope)
      if (second.answer.status === 401 && next.scheme === 'basic' && second.answer.url.origin === home.origin) {
        await discard(second.answer, idleMs)
        throw refused(answer, `refuses the credentials set for this upstream, of user ${account.username}`)
      }
      return second.answer
    },
  }
}
