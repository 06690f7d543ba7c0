import type { Secrets } from '../secrets/secrets.ts'
import { nobodyIsAsked } from './authenticator.ts'
import type { FirstAdmin } from './first-admin.ts'
import type { LocalUsers } from './local-users.ts'
import { createOidcUsers, type OidcUsers } from './oidc/users.ts'
import { openSources, type SourcesOptions } from './open-sources.ts'
import type { Authenticator, KnownPrincipal } from './principal.ts'
import { withProxyIdentity } from './proxy-identity.ts'
import type { AccessTokens } from './tokens/access-tokens.ts'
import { asOfNow } from './tokens/bearer.ts'
import { createExternalTokens } from './tokens/external.ts'
import { openTokens, type TokenService } from './tokens/open.ts'
import type { Robots } from './tokens/robots.ts'
import { signingKeySealer } from './tokens/sealer.ts'

export interface IdentityOptions extends SourcesOptions {
  secrets: Secrets
  /** Where the token endpoint is, below the prefix. */
  tokenPath: string
}

/** Who somebody is, by whatever means they may show it. */
export interface Identity {
  /** Takes everything; for images. Closed by whoever opened this. */
  authenticator: Authenticator
  /** Takes no Bearer tokens; for pages and the API. */
  passwords: Authenticator
  /** Undefined: no tokens are issued here. */
  tokens: TokenService | undefined
  /** What an administrator can change; undefined where everyone may enter, or another server says who. */
  accounts: Accounts | undefined
  /** The users of the OpenID provider; undefined where none is configured. */
  oidcUsers: OidcUsers | undefined
  /** The user as they are now; undefined when they are gone, disabled or have another password. Rejects when nobody can tell. */
  current(principal: KnownPrincipal): Promise<KnownPrincipal | undefined>
  /** Grows when what was said of a user before may no longer hold. */
  generation(): number
  /** Set when this start created the first user. */
  firstAdmin: FirstAdmin | undefined
  /** SIGHUP: looks at files again. */
  reload(): void
}

/** Users, tokens and robots as an administrator sees them. */
export interface Accounts {
  /** Users of the database; undefined where they are not asked: an htpasswd file alone says who may enter. */
  local: LocalUsers | undefined
  accessTokens: AccessTokens
  robots: Robots
  /** Where users are, in the order in which they are asked. */
  sources: readonly string[]
}

/** Opens what the configuration says of who may enter. Throws `unavailable` when a file or the keys cannot be used. */
export async function openIdentity(options: IdentityOptions): Promise<Identity> {
  const { config, db, log, now, secrets, tokenPath } = options
  const { auth, oidc, proxyIdentity } = config
  if (auth === 'none' || (auth && 'token' in auth)) {
    const authenticator = auth === 'none' ? nobodyIsAsked : await createExternalTokens(auth.token, now)
    const oidcUsers = oidc && createOidcUsers({ db, now, isTaken: async () => false })
    return {
      authenticator,
      passwords: authenticator,
      tokens: undefined,
      accounts: undefined,
      oidcUsers,
      current: (principal) => currentIn(oidcUsers ? [oidcUsers] : [], principal),
      generation: () => 0,
      firstAdmin: undefined,
      reload: () => {},
    }
  }
  const { sources, local, realm, firstAdmin, reload } = await openSources(options)
  const sealer = signingKeySealer(config, db, secrets)
  const opened = await openTokens({ config, db, log, now, sources, realm, tokenPath, sealer })
  const { authenticator, tokens, oidcUsers, accessTokens, robots } = opened
  const known = [...sources, ...(oidcUsers ? [oidcUsers] : [])]
  const generation = () => sources.reduce((sum, source) => sum + source.generation(), 0)
  const proxied = (inner: Authenticator) =>
    proxyIdentity ? withProxyIdentity(inner, { settings: proxyIdentity, sources: known, generation }) : inner
  return {
    authenticator: proxied(authenticator),
    passwords: proxied(tokens.passwords),
    tokens,
    accounts: { local, accessTokens, robots, sources: sources.map(({ name }) => name) },
    oidcUsers,
    current: (principal) => currentIn(known, principal),
    generation,
    firstAdmin,
    reload,
  }
}

async function currentIn(sources: Parameters<typeof asOfNow>[1], principal: KnownPrincipal) {
  const found = await asOfNow(principal, sources)
  return found?.kind === 'anonymous' ? undefined : found
}
