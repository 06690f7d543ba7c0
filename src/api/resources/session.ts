import { z } from '@hono/zod-openapi'
import { AppError } from '../../errors.ts'
import type { Incoming } from '../../http/incoming.ts'
import type { Session } from '../../identity/sessions.ts'
import type { ApiParts } from '../api.ts'
import { cookieName, cookieText } from '../caller.ts'
import { type Api, addEndpoint } from '../endpoint.ts'
import { tellRefused } from '../told.ts'

const SessionSchema = z
  .object({
    user: z.object({ name: z.string(), admin: z.boolean(), groups: z.array(z.string()) }),
    source: z.string(),
    /** To be sent back as `X-CSRF-Token` with every change. */
    csrf: z.string(),
    since: z.iso.datetime(),
  })
  .openapi('Session')

const LoginSchema = z
  .object({ name: z.string().min(1).max(255), password: z.string().min(1).max(1000) })
  .openapi('Login')

/** The session of this browser: begin it with a password, look at it, end it. */
export function addSession(api: Api, parts: ApiParts): void {
  const { decide, sessions, authenticator, tell } = parts
  const common = { path: '/session', tag: 'session' } as const

  addEndpoint(
    api,
    decide,
    {
      ...common,
      method: 'post',
      summary: 'Log in with a password; sets a cookie',
      access: 'anyone',
      request: { body: LoginSchema },
      answer: SessionSchema,
      status: 201,
    },
    async ({ body, incoming, caller, header }) => {
      refuseForeignPages(incoming)
      const credentials = `Basic ${Buffer.from(`${body.name}:${body.password}`).toString('base64')}`
      const verdict = withoutChallenge(async () => authenticator.authenticate(credentials, incoming))
      const principal = await verdict.catch((error) => {
        tellRefused(tell, incoming, error, body.name)
        throw error
      })
      // A robot has no page, and where nobody is asked there is nobody to be.
      if (principal.kind !== 'user') throw new AppError('denied', 'only users log in here')
      if (principal.limits) throw new AppError('denied', 'an access token is for programs; log in with the password')
      if (caller.session) await sessions.end(caller.session.id)
      const session = await beginSession(parts, incoming, { principal, source: 'password' }, header)
      tell({
        action: 'login',
        result: 'done',
        actor: { kind: 'user', name: principal.name, address: incoming.clientAddress },
        requestId: incoming.id,
      })
      return publicForm(session)
    },
  )

  addEndpoint(
    api,
    decide,
    {
      ...common,
      method: 'get',
      summary: 'Who this browser is',
      access: 'anyone',
      answer: SessionSchema,
      also: { 401: 'there is no session' },
    },
    ({ caller }) => {
      if (!caller.session) throw new AppError('unauthenticated', 'there is no session: log in first')
      return publicForm(caller.session)
    },
  )

  addEndpoint(
    api,
    decide,
    { ...common, method: 'delete', summary: 'Log out', access: 'anyone' },
    async ({ caller, incoming, header }) => {
      if (caller.session) await sessions.end(caller.session.id)
      header('set-cookie', cookieText(cookieName, '', incoming, 0))
      return undefined
    },
  )
}

/** Begins a session under a new secret, whatever cookie the browser had: nobody can have put it there. */
export async function beginSession(
  { sessions, sessionSeconds }: Pick<ApiParts, 'sessions' | 'sessionSeconds'>,
  incoming: Incoming,
  who: Pick<Session, 'principal' | 'source'>,
  header: (name: string, value: string) => void,
): Promise<Session> {
  const { clientAddress: address, headers } = incoming
  const { secret, session } = await sessions.begin({ ...who, address, userAgent: headers.get('user-agent') ?? '' })
  header('set-cookie', cookieText(cookieName, secret, incoming, sessionSeconds))
  return session
}

/** A page of another site must not log people in as somebody else. Browsers say where a request comes from; programs need not. */
function refuseForeignPages({ headers }: Incoming): void {
  const site = headers.get('sec-fetch-site')
  if (site !== null && !['same-origin', 'none'].includes(site))
    throw new AppError('denied', 'logging in from a page of another site is not allowed')
}

/** A browser that is told of Basic asks for a password itself, before its page hears of the answer. */
async function withoutChallenge<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const { code, message, detail, cause, headers } = error
    const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'www-authenticate')
    throw new AppError(code, message, { detail, cause, headers: Object.fromEntries(others) })
  }
}

function publicForm({ principal: { name, admin, groups }, source, csrf, createdAt }: Session) {
  return { user: { name, admin, groups: [...groups] }, source, csrf, since: new Date(createdAt).toISOString() }
}
