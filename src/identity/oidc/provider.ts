import type { Configuration, IDToken } from 'openid-client'
import { AppError } from '../../errors.ts'
import { problemWithUserName } from '../user-name.ts'

export interface OidcSettings {
  /** As the provider writes it in its discovery document. */
  issuer: string
  clientId: string
  /** Undefined: a public client, which has PKCE alone. */
  clientSecret: string | undefined
  /** Besides `openid`. */
  scopes: readonly string[]
  /** Claims of the ID token, or of the user info where the token lacks them. */
  claims: { name: string; groups: string }
  /** Who is in one of these administers the server. */
  adminGroups: readonly string[]
  /** Only who is in one of these may enter; empty: everyone whom the provider lets in. */
  requiredGroups: readonly string[]
}

/** Whom the provider has let in. */
export interface OidcIdentity {
  issuer: string
  subject: string
  name: string
  mail: string | undefined
  groups: readonly string[]
  admin: boolean
}

/** What a browser carries from the start of a login to its end, in a cookie that no script reads. */
export interface Attempt {
  state: string
  nonce: string
  verifier: string
}

export interface OidcProvider {
  /** Where to send the browser, and what it must bring back. Throws `upstream-failed` when the provider cannot be asked. */
  begin(redirectUri: string): Promise<{ url: string; attempt: Attempt }>
  /**
   * Exchanges what the browser came back with (the whole address it called) for who it is. Throws `unauthenticated` for whatever does not fit,
   * `denied` for somebody without a required group, `upstream-failed` when the provider cannot be asked.
   */
  finish(calledUrl: URL, attempt: Attempt): Promise<OidcIdentity>
}

type Library = typeof import('openid-client')

/** How long one request to the provider may take, in seconds. */
const timeoutSeconds = 15

/** `send` makes the requests: it knows the way out of the house. */
export function createOidcProvider(settings: OidcSettings, send: typeof fetch): OidcProvider {
  let opened: Promise<{ library: Library; configuration: Configuration }> | undefined

  /** Asks for the discovery document at first use; again after a failure. */
  function open() {
    opened ??= discover().catch((error: unknown) => {
      opened = undefined
      throw new AppError(
        'upstream-failed',
        `the OpenID provider ${settings.issuer} cannot be asked: ${reason(error)}`,
        {
          cause: error,
        },
      )
    })
    return opened
  }

  async function discover() {
    const library = await import('openid-client')
    const issuer = new URL(settings.issuer)
    const authentication = settings.clientSecret === undefined ? library.None() : undefined
    const configuration = await library.discovery(issuer, settings.clientId, settings.clientSecret, authentication, {
      [library.customFetch]: send as never,
      timeout: timeoutSeconds,
      ...(issuer.protocol === 'http:' && { execute: [library.allowInsecureRequests] }),
    })
    return { library, configuration }
  }

  return {
    async begin(redirectUri) {
      const { library, configuration } = await open()
      const attempt = {
        state: library.randomState(),
        nonce: library.randomNonce(),
        verifier: library.randomPKCECodeVerifier(),
      }
      const url = library.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: ['openid', ...settings.scopes].join(' '),
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: await library.calculatePKCECodeChallenge(attempt.verifier),
        code_challenge_method: 'S256',
      })
      return { url: url.href, attempt }
    },
    async finish(calledUrl, attempt) {
      const { library, configuration } = await open()
      const tokens = await library
        .authorizationCodeGrant(configuration, calledUrl, {
          expectedState: attempt.state,
          expectedNonce: attempt.nonce,
          pkceCodeVerifier: attempt.verifier,
          idTokenExpected: true,
        })
        .catch((error: unknown) => {
          throw new AppError('unauthenticated', `the login with ${settings.issuer} failed: ${reason(error)}`, {
            cause: error,
          })
        })
      const token = tokens.claims()
      if (!token) throw new AppError('unauthenticated', `${settings.issuer} sent no ID token`)
      const { name, groups } = settings.claims
      const isWhole = token[name] !== undefined && token[groups] !== undefined
      const info = isWhole ? {} : await userInfo(library, configuration, tokens.access_token, token.sub)
      return identityOf(settings, { ...info, ...token })
    },
  }

  /** Some providers keep groups out of the token. One that has no user info is taken at its token's word. */
  async function userInfo(library: Library, configuration: Configuration, accessToken: string, subject: string) {
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return {}
    return library.fetchUserInfo(configuration, accessToken, subject).catch((error: unknown) => {
      throw new AppError('upstream-failed', `${settings.issuer} does not say who ${subject} is: ${reason(error)}`, {
        cause: error,
      })
    })
  }
}

/** What the claims amount to. Throws as `finish` does. */
export function identityOf(settings: OidcSettings, claims: IDToken): OidcIdentity {
  const { issuer, adminGroups, requiredGroups } = settings
  const name = claims[settings.claims.name]
  if (typeof name !== 'string')
    throw new AppError(
      'unauthenticated',
      `${issuer} sent no text as ${settings.claims.name}: set oidc.claims.name to a claim it sends`,
    )
  const problem = problemWithUserName(name)
  if (problem)
    throw new AppError('unauthenticated', `${issuer} calls this user ${JSON.stringify(name.slice(0, 100))}: ${problem}`)
  const groups = textsOf(claims[settings.claims.groups])
  if (requiredGroups.length > 0 && !requiredGroups.some((group) => groups.includes(group)))
    throw new AppError('denied', `${name} is in none of the groups that may enter (oidc.requiredGroups)`)
  return {
    issuer,
    subject: claims.sub,
    name,
    mail: typeof claims['email'] === 'string' ? claims['email'] : undefined,
    groups,
    admin: adminGroups.some((group) => groups.includes(group)),
  }
}

/** Groups come as a list, or as one text. */
function textsOf(claim: unknown): string[] {
  const given = Array.isArray(claim) ? claim : [claim]
  return given.filter((one): one is string => typeof one === 'string' && one !== '')
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
