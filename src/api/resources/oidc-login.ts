import { z } from '@hono/zod-openapi'
import { AppError } from '../../errors.ts'
import type { Incoming } from '../../http/incoming.ts'
import type { Attempt } from '../../identity/oidc/provider.ts'
import type { ApiParts } from '../api.ts'
import { cookieOf, cookieText } from '../caller.ts'
import { type Api, addEndpoint } from '../endpoint.ts'
import { beginSession } from './session.ts'

const attemptCookie = 'entrepot_login'
const attemptSeconds = 600

const AttemptSchema = z.object({ state: z.string(), nonce: z.string(), verifier: z.string(), back: z.string() })

/** Logging in with an OpenID provider: the browser goes there and comes back with a code. */
export function addOidcLogin(api: Api, parts: ApiParts): void {
  const { oidc, decide, tell } = parts
  if (!oidc) return
  const callbackOf = ({ origin: { scheme, host, prefix } }: Incoming) =>
    `${scheme}://${host}${prefix}/api/v1/oidc/callback`

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/oidc/login',
      tag: 'session',
      summary: 'Sends the browser to the OpenID provider',
      access: 'anyone',
      request: { query: z.object({ back: z.string().max(1000).optional() }) },
      status: 302,
      also: { 502: 'the provider cannot be asked' },
    },
    async ({ query, incoming }) => {
      const { url, attempt } = await oidc.provider.begin(callbackOf(incoming))
      const back = localPath(query.back)
      const text = Buffer.from(JSON.stringify({ ...attempt, back })).toString('base64url')
      return redirect(url, cookieText(attemptCookie, text, incoming, attemptSeconds))
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/oidc/callback',
      tag: 'session',
      summary: 'Where the OpenID provider sends the browser back to; begins a session',
      access: 'anyone',
      status: 302,
      also: { 502: 'the provider cannot be asked' },
    },
    async ({ incoming }) => {
      const { back, ...attempt } = attemptOf(incoming)
      const called = new URL(callbackOf(incoming))
      called.search = incoming.query.toString()
      const identity = await oidc.provider.finish(called, attempt)
      const principal = await oidc.users.enter(identity)
      const cookies: string[] = []
      await beginSession(parts, incoming, { principal, source: 'oidc' }, (_name, value) => cookies.push(value))
      incoming.user = principal.name
      const actor = { kind: 'user', name: principal.name, address: incoming.clientAddress } as const
      tell({ action: 'login', result: 'done', actor, requestId: incoming.id, detail: { issuer: identity.issuer } })
      return redirect(`${incoming.origin.prefix}${back}`, ...cookies, cookieText(attemptCookie, '', incoming, 0))
    },
  )
}

/** What this browser began with. Throws `unauthenticated` when it began nothing: then somebody else's login is pushed on it. */
function attemptOf({ headers }: Incoming): Attempt & { back: string } {
  const text = Buffer.from(cookieOf(headers, attemptCookie) ?? '', 'base64url').toString()
  const read = AttemptSchema.safeParse(parsed(text))
  if (!read.success)
    throw new AppError(
      'unauthenticated',
      'this browser has not begun to log in, or longer than ten minutes ago; begin again',
    )
  return { ...read.data, back: localPath(read.data.back) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // Cookies come from browsers: anything may be in them.
  }
}

/** A place on this server; anything else would make us send people wherever a link says. */
function localPath(back = '/'): string {
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(back) && !back.includes('\\') ? back : '/'
}

function redirect(location: string, ...cookies: string[]): Response {
  const headers = new Headers({ location, 'cache-control': 'no-store', 'content-length': '0' })
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  return new Response(null, { status: 302, headers })
}
