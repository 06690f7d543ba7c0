import { type Config, htpasswdOf } from '../../config/config.ts'
import type { Database } from '../../database/database.ts'
import { findOidcUser } from '../../database/oidc-users.ts'
import { type Schedule, startSchedule } from '../../jobs/schedule.ts'
import type { Log } from '../../telemetry/log.ts'
import { createAuthenticator } from '../authenticator.ts'
import { createOidcUsers, type OidcUsers } from '../oidc/users.ts'
import type { Authenticator, Principal } from '../principal.ts'
import { isKnown, type UserSource } from '../sources.ts'
import { type AccessTokens, createAccessTokens } from './access-tokens.ts'
import { asOfNow, withBearer } from './bearer.ts'
import { writeBearerChallenge } from './challenge.ts'
import { principalOfClaims } from './claims.ts'
import { createTokenIssuer, leewaySeconds, refused, type TokenIssuer } from './issuer.ts'
import { createRobots, type Robots } from './robots.ts'
import { plainSealer, type Sealer } from './sealer.ts'
import { openSigningKeys } from './signing-keys.ts'
import { createTokenSource } from './token-source.ts'

/** What the token endpoint works with. */
export interface TokenService {
  issuer: TokenIssuer
  /** Takes passwords and access tokens, no Bearer tokens: a token must not buy another one. */
  passwords: Authenticator
  /** The principal a refresh token was given to, as they are now. Throws `unauthenticated` when it, or its password, is no longer good. */
  redeem(refreshToken: string): Promise<Principal>
  /** A refresh token for a client that asks; undefined where none is to be given. */
  refreshFor(principal: Principal, client: string): Promise<string | undefined>
}

/** Who may enter, with everything about tokens. */
export interface Tokens {
  /** Takes passwords, access tokens and Bearer tokens. */
  authenticator: Authenticator
  tokens: TokenService
  accessTokens: AccessTokens
  robots: Robots
  /** The users of the OpenID provider; undefined where none is configured. */
  oidcUsers: OidcUsers | undefined
}

export interface TokensOptions {
  config: Pick<Config, 'auth' | 'oidc' | 'robots' | 'tokens' | 'anonymous' | 'grants'>
  db: Database
  log: Log
  /** Where users are, in the order in which they are asked. */
  sources: UserSource[]
  /** What clients are told they log in to. */
  realm: string
  /** Where the endpoint is, below the prefix. */
  tokenPath: string
  /** Keeps private keys secret at rest. */
  sealer?: Sealer
  now?: () => number
}

/** Other instances notice a revocation within so long, plus the moment it takes to look. */
const lookEveryMs = 2000
const flushEveryMs = 60_000
const rotateEveryMs = 3_600_000
/** Keys stay this much longer than any token that they signed. */
const marginMs = 86_400_000

/** They write what they are given into the file where others look for a password. */
const clientsThatStore = ['docker', 'containerd-client', 'nerdctl']

/** Opens what all users with tokens need. Throws `unavailable` when the signing keys cannot be used. */
export async function openTokens(options: TokensOptions): Promise<Tokens> {
  const { config, db, log, sources: owners, realm, tokenPath, sealer = plainSealer, now = Date.now } = options
  const { service, lifetime, keyLifetime, refreshLifetime, identity, challenge } = config.tokens
  const overlapMs = Math.max(lifetime, refreshLifetime) + marginMs
  const keys = await openSigningKeys({ db, sealer, now, lifetimeMs: keyLifetime, overlapMs })
  const issuer = createTokenIssuer({ keys, service, lifetimeMs: lifetime, refreshLifetimeMs: refreshLifetime, now })

  const accessTokens = createAccessTokens(db, now)
  await accessTokens.lookForChanges()
  const robots = createRobots({
    db,
    tokens: accessTokens,
    namePattern: config.robots.namePattern,
    isUser: async (name) => (await isKnown(name, owners)) || (await findOidcUser(db.queries, { name })) !== undefined,
    now,
  })
  const sameAs = owners.filter(({ name }) => config.oidc?.sameAs.includes(name))
  const others = owners.filter((source) => !sameAs.includes(source))
  const isTaken = async (name: string) => (await isKnown(name, others)) || (await robots.find(name)) !== undefined
  // Who logs in with a browser has no password here, and access tokens all the same.
  const oidcUsers = config.oidc && createOidcUsers({ db, now, isTaken, sameAs })
  const browsing = oidcUsers ? [oidcUsers] : []
  const tokenSource = createTokenSource({ tokens: accessTokens, robots, owners: [...owners, ...browsing], now })
  const sources = [tokenSource, ...owners]
  const passwords = createAuthenticator({ sources, realm })

  async function current(principal: Principal): Promise<Principal> {
    const known = await asOfNow(principal, sources)
    if (!known) throw refused('whoever it was given to was removed, or has another password')
    return known
  }

  const wantsBearer = challenge === 'bearer' || (challenge === 'auto' && !isPlainHtpasswd(config))
  const bearer = withBearer({
    passwords,
    sources,
    now,
    async verify(token) {
      const payload = await issuer.read(token, 'access')
      const principal = await current(principalOfClaims(payload))
      return { principal, expiresAt: (payload.exp! + leewaySeconds) * 1000 }
    },
    challenge: wantsBearer
      ? ({ scheme, host, prefix }, wanted) =>
          writeBearerChallenge(`${scheme}://${host}${prefix}${tokenPath}`, service, wanted)
      : undefined,
  })

  const schedule: Schedule = startSchedule(
    [
      { name: 'token revocations', everyMs: lookEveryMs, firstAfterMs: lookEveryMs, run: accessTokens.lookForChanges },
      { name: 'last use of tokens', everyMs: flushEveryMs, firstAfterMs: flushEveryMs, run: accessTokens.flush },
      { name: 'rotation of signing keys', everyMs: rotateEveryMs, firstAfterMs: rotateEveryMs, run: keys.rotate },
    ],
    log,
  )
  const authenticator: Authenticator = {
    ...bearer,
    async close() {
      await schedule.close()
      await bearer.close()
    },
  }

  return {
    authenticator,
    accessTokens,
    robots,
    oidcUsers,
    tokens: {
      issuer,
      passwords,
      async redeem(refreshToken) {
        const payload = await issuer.read(refreshToken, 'refresh')
        const { scopes: _, ...principal } = await current(principalOfClaims(payload))
        return principal as Principal
      },
      async refreshFor(principal, client) {
        if (refreshLifetime === 0 || principal.kind === 'anonymous') return undefined
        if (!identity && clientsThatStore.includes(client)) return undefined
        const source = sources.find(({ name }) => principal.credential?.startsWith(`${name}:`))
        // Nobody could take it back: it would outlive its user, or the password it was given for.
        if (!source?.find || principal.credential === `${source.name}:`) return undefined
        return (await issuer.refresh(principal)).token
      },
    },
  }
}

/**
 * registry:2's form of login where nothing needs another: fewest requests, and what scripts expect. Where strangers may pull, docker must be sent for a token: it
 * takes a challenge for a password as a refusal.
 */
function isPlainHtpasswd(config: TokensOptions['config']): boolean {
  const { anonymous, grants } = config
  const isOpen = anonymous.pull.length > 0 || grants.some((grant) => grant.anonymous)
  return htpasswdOf(config) !== undefined && !isOpen
}
