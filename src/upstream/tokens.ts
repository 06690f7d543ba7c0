import { abortable } from './abort.ts'
import { discard, readJson } from './body.ts'
import type { Answer } from './exchange.ts'
import { answerer, failure, type Place, statusFailure } from './failures.ts'
import { checkRealm } from './realm.ts'
import type { Requests } from './requests.ts'

export interface Account {
  username?: string | undefined
  password?: string | undefined
  identityToken?: string | undefined
}

export interface BearerService {
  realm: string
  service: string | undefined
  /** What the server asks for besides what we ask for. */
  extraScope: string | undefined
}

export interface TokenParts {
  name: string
  /** The upstream the tokens are for. */
  home: URL
  account: Account
  requests: Requests
  idleMs: number
  /** Milliseconds. */
  now: () => number
}

export interface Tokens {
  /** A token for the scope, kept from before or asked for now. Many who ask at once cause one request. Throws `unauthenticated` when the token server refuses the account. */
  get(service: BearerService, scope: string | undefined, signal?: AbortSignal): Promise<string>
  /** Forgets a token that was refused. */
  forget(token: string): void
}

interface Kept {
  token: string
  /** When it is no longer used. */
  until: number
}

const mostKept = 2_000
/** Distribution's token specification: what is meant when the answer does not say. */
const usualSeconds = 60

/** Keeps bearer tokens by scope. Distribution's "Token Authentication Specification" and its OAuth2 variant for identity tokens. */
export function createTokens(parts: TokenParts): Tokens {
  const { now } = parts
  const kept = new Map<string, Kept>()
  const running = new Map<string, Promise<string>>()

  async function fetchToken(key: string, service: BearerService, scopes: string[]): Promise<string> {
    const { token, seconds } = await askForToken(parts, service, scopes)
    // Used up a little early, so that it is still good when it gets there.
    const until = now() + (seconds - Math.min(30, seconds / 4)) * 1000
    kept.delete(key)
    kept.set(key, { token, until })
    if (kept.size > mostKept) kept.delete(kept.keys().next().value!)
    return token
  }

  return {
    get(service, scope, signal) {
      const scopes = [...new Set([scope, service.extraScope].filter((one) => one !== undefined))]
      const key = JSON.stringify([service.realm, service.service, scopes])
      const known = kept.get(key)
      if (known && known.until > now()) return Promise.resolve(known.token)
      let work = running.get(key)
      if (!work) {
        // Nobody's signal: others may wait for the same token.
        work = fetchToken(key, service, scopes).finally(() => running.delete(key))
        running.set(key, work)
      }
      return abortable(work, signal)
    },
    forget(token) {
      for (const [key, one] of kept) if (one.token === token) kept.delete(key)
    },
  }
}

async function askForToken(parts: TokenParts, service: BearerService, scopes: string[]) {
  const { name, home, account, requests, idleMs } = parts
  const hasAccount = account.identityToken !== undefined || account.username !== undefined
  const realm = checkRealm(service.realm, home, hasAccount, name)
  const answer = await requests(
    account.identityToken === undefined
      ? getRequest(realm, service, scopes, account)
      : postRequest(realm, service, scopes, account.identityToken),
  )
  if (answer.status !== 200) {
    await discard(answer, idleMs)
    throw tokenFailure(answer, account, hasAccount)
  }
  const body = await readJson(answer, idleMs, 1 << 20)
  const token = body['token'] || body['access_token']
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw failure('upstream-failed', answer.place, `the token server ${answer.place.host} sent no token`)
  }
  const told = Number(body['expires_in'])
  return { token, seconds: Math.min(told > 0 ? told : usualSeconds, 86_400) }
}

function getRequest(realm: URL, { service }: BearerService, scopes: string[], { username, password }: Account) {
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.set('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  if (username !== undefined) url.searchParams.set('account', username)
  const headers: Record<string, string> = { accept: 'application/json' }
  if (username !== undefined) headers['authorization'] = basicAuthorization(username, password ?? '')
  return { url, method: 'GET' as const, headers }
}

function postRequest(url: URL, { service }: BearerService, scopes: string[], identityToken: string) {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    service: service ?? url.host,
    client_id: 'entrepot',
    refresh_token: identityToken,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
  })
  const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
  return { url, method: 'POST' as const, headers, body: form.toString() }
}

/** Says whose credentials were refused, so that nobody looks for the mistake in their own. */
function tokenFailure(answer: Answer, account: Account, hasAccount: boolean) {
  const place: Place = answer.place
  // Some servers call a wrong refresh token a bad request, as OAuth2 has it.
  const isRefused = answer.status === 401 || answer.status === 403 || (answer.status === 400 && hasAccount)
  if (!isRefused) return statusFailure(answer.status, answer.headers, place, 'a request for a token')
  const whose = account.identityToken === undefined ? `of user ${account.username}` : '(an identity token)'
  return hasAccount
    ? failure('unauthenticated', place, `the credentials set for it ${whose} are refused by ${answerer(place)}`, {
        detail: { status: answer.status },
      })
    : failure('unauthenticated', place, `${answerer(place)} wants a login and no username is set for this upstream`, {
        detail: { status: answer.status },
      })
}

/** RFC 7617, in UTF-8. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
