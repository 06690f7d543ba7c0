import { AppError } from '../errors.ts'
import type { Incoming } from '../http/incoming.ts'
import { type Authenticator, anonymous, type Principal } from '../identity/principal.ts'
import { isCsrfToken, type Session, type Sessions } from '../identity/sessions.ts'
import type { Places } from '../repositories/places.ts'

/** Who calls the API, and by what they are known. */
export interface Caller {
  principal: Principal
  /** Of a browser; undefined for programs, which send an `Authorization` header. */
  session: Session | undefined
}

export const cookieName = 'entrepot_session'

interface IdentifyParts {
  authenticator: Authenticator
  sessions: Pick<Sessions, 'find'>
  places?: Pick<Places, 'at'>
}

/**
 * Finds out who calls: by `Authorization` when there is one, else by the cookie of a session. A change that comes with a cookie alone must carry the session's
 * token in `X-CSRF-Token`, which a page of another site does not know. Throws `unauthenticated` and `denied`.
 */
export async function identify(incoming: Incoming, parts: IdentifyParts): Promise<Caller> {
  const caller = await callerOf(incoming, parts)
  return { ...caller, principal: parts.places?.at(caller.principal, incoming) ?? caller.principal }
}

async function callerOf(incoming: Incoming, { authenticator, sessions }: IdentifyParts): Promise<Caller> {
  const { headers, method } = incoming
  const credentials = headers.get('authorization') ?? undefined
  if (credentials !== undefined) {
    const principal = await authenticator.authenticate(credentials, incoming)
    if (principal.kind !== 'anonymous') incoming.user = principal.name
    return { principal, session: undefined }
  }
  const secret = cookieOf(headers, cookieName)
  const session = secret === undefined ? undefined : await sessions.find(secret)
  if (!session) {
    // Where everyone is let in, nobody has to be known.
    const principal = await authenticator.authenticate(undefined, incoming)
    return { principal: principal ?? anonymous, session: undefined }
  }
  incoming.user = session.principal.name
  const isChange = !['GET', 'HEAD', 'OPTIONS'].includes(method)
  if (isChange && !isCsrfToken(headers.get('x-csrf-token') ?? undefined, session))
    throw new AppError(
      'denied',
      'the X-CSRF-Token header does not belong to this session; GET /api/v1/session tells it',
    )
  return { principal: session.principal, session }
}

/** One cookie of a request. */
export function cookieOf(headers: Headers, name: string): string | undefined {
  for (const pair of (headers.get('cookie') ?? '').split(';')) {
    const [key, ...value] = pair.trim().split('=')
    if (key === name) return value.join('=')
  }
  return undefined
}

/** A cookie that no script reads and that pages of other sites cannot make the browser send with a change. `seconds` 0 removes it. */
export function cookieText(name: string, value: string, { origin }: Pick<Incoming, 'origin'>, seconds: number): string {
  const secure = origin.scheme === 'https' ? '; Secure' : ''
  return `${name}=${value}; Path=${origin.prefix}/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`
}
