import { AppError } from '../../../errors.ts'
import type { Incoming } from '../../../http/incoming.ts'
import { anonymous, type Principal, type Scope } from '../../../identity/principal.ts'
import { longestToken } from '../../../identity/tokens/issuer.ts'
import type { TokenService } from '../../../identity/tokens/open.ts'
import { formatScopes, parseScopes } from '../../../identity/tokens/scope.ts'
import { isImageName } from '../images/names.ts'
import { mayDo } from '../images/targets.ts'
import { isAboutLogins } from './admit.ts'
import type { ProtocolParts } from './call.ts'
import { jsonResponse } from './json.ts'
import { tellLogin } from './told.ts'

/** No image can be called so: a component of a name begins with a letter or a digit. It is below `/v2/`, so every proxy that lets images through lets it through. */
export const tokenPath = '/v2/_token'

const longestForm = 65_536

/**
 * Distribution's "Token Authentication Specification" (GET) and "Oauth2 Token Authentication" (POST). Undefined: no path of these, or nobody is given tokens here.
 * Throws `unauthenticated` for wrong credentials, except where everybody may have what is asked for; never for too few rights: the token then says less.
 */
export function answerToken(parts: ProtocolParts, incoming: Incoming): Response | Promise<Response> | undefined {
  const { tokens } = parts
  if (!tokens || !incoming.path.startsWith(tokenPath)) return undefined
  const isGet = incoming.method === 'GET' || incoming.method === 'HEAD'
  if (incoming.path === `${tokenPath}/jwks`) {
    if (!isGet) throw notAllowed('GET, HEAD')
    incoming.route = 'token'
    return jsonResponse(tokens.issuer.jwks(), { headers: { 'cache-control': 'public, max-age=300' } })
  }
  if (incoming.path !== tokenPath) return undefined
  if (!isGet && incoming.method !== 'POST') throw notAllowed('GET, HEAD, POST')
  incoming.route = 'token'
  return isGet ? get(parts, tokens, incoming) : post(parts, tokens, incoming)
}

/** With a password or without: whoever is nobody gets what anybody may. */
async function get(parts: ProtocolParts, tokens: TokenService, incoming: Incoming): Promise<Response> {
  const credentials = incoming.headers.get('authorization') ?? undefined
  const { query } = incoming
  const asked = {
    scopes: query.getAll('scope'),
    offline: query.get('offline_token') === 'true',
    client: query.get('client_id') ?? '',
  }
  const principal = await whoAsks(parts, tokens, incoming, credentials, asked.scopes)
  return issue(parts, tokens, incoming, principal, asked)
}

async function post(parts: ProtocolParts, tokens: TokenService, incoming: Incoming): Promise<Response> {
  const body = await incoming.bodyWhole(longestForm, () => new AppError('request-invalid', 'the form is too long'))
  const form = new URLSearchParams(Buffer.from(body).toString('utf8'))
  const grant = form.get('grant_type') ?? ''
  const asked = {
    scopes: form.getAll('scope'),
    offline: form.get('access_type') === 'offline',
    client: form.get('client_id') ?? '',
  }
  if (grant === 'password') {
    // Without a name it would be nobody's request, and answered with what anybody may.
    if (!form.get('username'))
      throw withPasswordChallenge(tokens, new AppError('unauthenticated', 'username is missing'))
    const given = Buffer.from(`${form.get('username') ?? ''}:${form.get('password') ?? ''}`).toString('base64')
    const principal = await whoAsks(parts, tokens, incoming, `Basic ${given}`, asked.scopes)
    return issue(parts, tokens, incoming, principal, asked)
  }
  if (grant !== 'refresh_token')
    throw new AppError('request-invalid', 'grant_type must be password or refresh_token (RFC 6749)')
  const refresh = form.get('refresh_token') ?? ''
  if (refresh.length > longestToken)
    throw withPasswordChallenge(tokens, new AppError('unauthenticated', 'the refresh token is too long'))
  const principal = await tokens.redeem(refresh).catch((error) => {
    throw withPasswordChallenge(tokens, error)
  })
  // It stays good and is sent again: clients keep the last one they were given, and several may use it at once.
  return issue(parts, tokens, incoming, principal, { ...asked, offline: false }, refresh)
}

/**
 * A login that fails does not keep anybody from a token for what everybody may pull, as it does not keep them from pulling it (see `isAboutLogins`): docker asks
 * its mirrors for one with the user's password for Docker Hub. A login without a scope wants to know whether the password is right, and is told.
 */
async function whoAsks(
  parts: ProtocolParts,
  tokens: TokenService,
  incoming: Incoming,
  credentials: string | undefined,
  scopes: readonly string[],
): Promise<Principal> {
  try {
    return await tokens.passwords.authenticate(credentials, incoming)
  } catch (error) {
    const wanted = parseScopes(scopes)
    if (!isAboutLogins(error) || wanted.length === 0 || !wanted.every((scope) => isOpen(parts, scope))) throw error
    parts.log.debug(`a token for nobody: ${error.message}`, { scope: formatScopes(wanted), requestId: incoming.id })
    return anonymous
  }
}

/** Whether this is nothing but pulling, and everybody may. */
function isOpen(parts: ProtocolParts, { type, name, actions }: Scope): boolean {
  return type === 'repository' && actions.join() === 'pull' && mayByName(parts, anonymous, 'pull', name)
}

interface Asked {
  scopes: string[]
  /** The client wants a refresh token, too. */
  offline: boolean
  /** What the client calls itself. */
  client: string
}

async function issue(
  parts: ProtocolParts,
  tokens: TokenService,
  incoming: Incoming,
  principal: Principal,
  { scopes, offline, client }: Asked,
  refresh?: string,
): Promise<Response> {
  if (principal.kind !== 'anonymous') incoming.user = principal.name
  if (refresh === undefined) tellLogin(parts.telling, incoming, principal)
  const granted = grantedOf(parts, parts.places?.at(principal, incoming) ?? principal, parseScopes(scopes))
  const { token, expiresIn, issuedAt } = await tokens.issuer.access(principal, granted)
  const lasting = refresh ?? (offline ? await tokens.refreshFor(principal, client) : undefined)
  const answer = {
    token,
    access_token: token,
    scope: formatScopes(granted),
    expires_in: expiresIn,
    issued_at: issuedAt.toISOString().replace('.000Z', 'Z'),
    ...(lasting === undefined ? {} : { refresh_token: lasting }),
  }
  return jsonResponse(answer, { headers: { 'cache-control': 'no-store' } })
}

const imageActions = ['pull', 'push', 'delete'] as const

/** What of the scopes the principal may do now, in the names of this listener. Entries of which nothing is left are left out. */
function grantedOf(parts: ProtocolParts, principal: Principal, wanted: Scope[]): Scope[] {
  return wanted.flatMap(({ type, name, actions }) => {
    const granted =
      type === 'repository'
        ? imageActions.filter(
            (action) =>
              (actions.includes(action) || actions.includes('*')) && mayByName(parts, principal, action, name),
          )
        : type === 'registry' && name === 'catalog' && parts.decide(principal, 'list')
          ? actions.filter((action) => action === '*' || action === 'search')
          : []
    return granted.length > 0 ? [{ type, name, actions: granted }] : []
  })
}

/**
 * A request for a token does not say what `?ns=` will say of the image, so a name that leads nowhere in particular may mean any proxy. What is granted too much by
 * that is decided when it is used.
 */
function mayByName(parts: ProtocolParts, principal: Principal, action: 'pull' | 'push' | 'delete', name: string) {
  if (!isImageName(name)) return false
  const { repositories } = parts
  const located = repositories.locate(name)
  if (mayDo(parts, principal, action, located)) return true
  if (located.by !== 'default' || action !== 'pull') return false
  const proxies = repositories.all().filter((one) => one.type === 'proxy')
  return proxies.some((repository) => mayDo(parts, principal, action, { repository, image: name }))
}

function withPasswordChallenge({ passwords: { challenge } }: TokenService, error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'unauthenticated' || challenge === undefined) return error
  return new AppError(error.code, error.message, { cause: error, headers: { 'www-authenticate': challenge } })
}

function notAllowed(allow: string): AppError {
  return new AppError('method-unsupported', 'not supported here', { headers: { allow } })
}
