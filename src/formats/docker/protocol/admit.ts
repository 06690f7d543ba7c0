import type { Action, Target } from '../../../access/decide.ts'
import { AppError } from '../../../errors.ts'
import type { Incoming } from '../../../http/incoming.ts'
import {
  type Authenticator,
  anonymous,
  type Principal,
  type Scope,
  type WantedToken,
} from '../../../identity/principal.ts'
import { formatScopes, scopesCover } from '../../../identity/tokens/scope.ts'
import type { ProtocolParts } from './call.ts'

/** What a request about an image is about. */
export interface AdmitImage {
  /** All of them have to be allowed. */
  targets: readonly Target[]
  /** The image as the client wrote it: what tokens are issued for. */
  name: string
  /** A further scope that the client will want. */
  also?: string | undefined
}

/**
 * Who asks, and that they may: by what is decided about them now and, where they showed a token, by what that was issued for. Nothing about the image is
 * looked up before. Throws, or rejects with, `unauthenticated` and the challenge that fetches the right token, or `denied`.
 */
export function admit(
  parts: Pick<ProtocolParts, 'authenticator' | 'decide' | 'places' | 'log'>,
  incoming: Incoming,
  action: Action,
  image?: AdmitImage,
): Principal | Promise<Principal> {
  const { authenticator } = parts
  const credentials = incoming.headers.get('authorization') ?? undefined
  const unknown = (error: unknown) => withoutLogin(parts, incoming, action, image, error)
  let verdict: Principal | Promise<Principal>
  try {
    verdict = authenticator.authenticate(credentials, incoming)
  } catch (error) {
    return unknown(error)
  }
  // Nearly every verdict is remembered and there at once.
  if (!(verdict instanceof Promise)) return decided(parts, incoming, action, image, verdict)
  return verdict.then((principal) => decided(parts, incoming, action, image, principal), unknown)
}

/** What is left for credentials that `error` says nothing good about. */
function withoutLogin(
  parts: Pick<ProtocolParts, 'authenticator' | 'decide' | 'places' | 'log'>,
  incoming: Incoming,
  action: Action,
  image: AdmitImage | undefined,
  error: unknown,
): Principal {
  if (!isAboutLogins(error)) throw error
  const nobody = parts.places?.at(anonymous, incoming) ?? anonymous
  if (action === 'pull' && mayDo(parts, nobody, action, image)) {
    parts.log.debug(`pulled as nobody: ${error.message}`, { ...image?.targets[0], requestId: incoming.id })
    return nobody
  }
  if (error.code !== 'unauthenticated') throw error
  const wrong = isBearer(incoming.headers.get('authorization') ?? undefined) ? 'invalid_token' : undefined
  const wanted = { scope: scopeFor(action, image), error: wrong } as const
  throw challenged(parts.authenticator, incoming, wanted, error.message, error)
}

function decided(
  parts: Pick<ProtocolParts, 'authenticator' | 'decide' | 'places'>,
  incoming: Incoming,
  action: Action,
  image: AdmitImage | undefined,
  verdict: Principal,
): Principal {
  const { authenticator, places } = parts
  const principal = places?.at(verdict, incoming) ?? verdict
  if (principal.kind !== 'anonymous') incoming.user = principal.name
  const may = mayEnter(principal, action, authenticator) ?? mayDo(parts, principal, action, image)
  if (may && covered(principal, action, image)) return principal
  // That only the place is wrong is for those to know who may do it elsewhere; no login and no other token would help them.
  if (image?.targets.some((target) => places?.isElsewhere(principal, action, target))) {
    const { user = 'who is not logged in', clientAddress } = incoming
    throw new AppError('denied', `${user} may not ${action} here from ${clientAddress || 'a local socket'}`, {
      detail: { action, address: clientAddress },
    })
  }
  // Nothing about the target: which part of a name is a repository would tell that there is one.
  const denied = () => new AppError('denied', `${incoming.user} may not ${action} here`, { detail: { action } })
  const scope = scopeFor(action, image)
  // Also when no token would do: a client asks for another one, gets less than it wants, and gives up. 403 makes some give up before they asked.
  if (principal.scopes) throw insufficientScope(parts, incoming, scope, may ? undefined : denied())
  if (principal.kind !== 'anonymous') throw denied()
  throw challenged(authenticator, incoming, { scope }, 'log in first: docker login')
}

function mayDo(
  { decide }: Pick<ProtocolParts, 'decide'>,
  principal: Principal,
  action: Action,
  image: AdmitImage | undefined,
): boolean {
  if (!image) return decide(principal, action)
  for (const target of image.targets) if (!decide(principal, action, target)) return false
  return true
}

/**
 * Credentials that are wrong, or cannot be verified now, do not keep anybody from pulling what everybody may pull: docker sends its mirrors the user's password
 * for Docker Hub, and goes past a mirror that refuses it. The failure counts as any other, and for logging in (`enter`) and pushing it is one.
 */
export function isAboutLogins(error: unknown): error is AppError {
  return error instanceof AppError && ['unauthenticated', 'throttled', 'unavailable'].includes(error.code)
}

/** Whether an `Authorization` header is about a token. */
export function isBearer(credentials: string | undefined): boolean {
  return /^\s*bearer\s/i.test(credentials ?? '')
}

/**
 * The check on `/v2/` where clients come with tokens: a token that holds is enough, without one even anonymous ones are sent to get theirs, since
 * docker and podman learn only here that there are tokens. Undefined: decided as everything else.
 */
function mayEnter(principal: Principal, action: Action, { bearerChallenge }: Authenticator): boolean | undefined {
  if (action !== 'enter') return undefined
  if (principal.scopes) return true
  return bearerChallenge && principal.kind === 'anonymous' ? false : undefined
}

/** Says which token would do where the one that was shown does not (RFC 6750 section 3.1). `cause`: why its owner would not get that one. */
export function insufficientScope(
  { authenticator }: Pick<ProtocolParts, 'authenticator'>,
  incoming: Incoming,
  scope: string | undefined,
  cause?: AppError,
): AppError {
  const description = scope === undefined ? 'the token is not good for this' : `the token is not good for ${scope}`
  // Who may not do it at all is told that: another token would be no better.
  const message = cause?.message ?? description
  return challenged(authenticator, incoming, { scope, error: 'insufficient_scope', description }, message, cause)
}

/** Docker's scope for an action on an image. Who pushes also looks what is there. */
export function imageScope(name: string, action: Action): string {
  return formatScopes([{ type: 'repository', name, actions: action === 'push' ? ['pull', 'push'] : [action] }])
}

function scopeFor(action: Action, image: AdmitImage | undefined): string | undefined {
  if (!image) return action === 'list' ? 'registry:catalog:*' : undefined
  const scope = imageScope(image.name, action)
  return image.also === undefined ? scope : `${scope} ${image.also}`
}

function covered({ scopes }: Principal, action: Action, image: AdmitImage | undefined): boolean {
  if (!scopes || action === 'enter') return true
  const needed: Scope = image
    ? { type: 'repository', name: image.name, actions: [action] }
    : { type: 'registry', name: 'catalog', actions: ['*', 'search'] }
  return (image !== undefined || action === 'list') && scopesCover(scopes, needed)
}

function challenged(
  { bearerChallenge, challenge }: Authenticator,
  { origin }: Incoming,
  wanted: WantedToken,
  message: string,
  cause?: AppError,
): AppError {
  const header = bearerChallenge ? bearerChallenge(origin, wanted) : challenge
  return new AppError('unauthenticated', message, {
    cause,
    headers: header === undefined ? {} : { 'www-authenticate': header },
  })
}
