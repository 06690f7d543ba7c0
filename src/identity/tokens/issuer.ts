import { randomUUID } from 'node:crypto'
import { type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { AppError } from '../../errors.ts'
import type { Principal, Scope } from '../principal.ts'
import { claimsOf } from './claims.ts'
import { type SigningKeys, signingAlgorithm } from './signing-keys.ts'

/** A token, and how long it holds. */
export interface IssuedToken {
  token: string
  /** Seconds. */
  expiresIn: number
  issuedAt: Date
}

/** Signs tokens and reads its own again. A `refresh` token buys access tokens and opens nothing itself. */
export interface TokenIssuer {
  readonly service: string
  /** Whether and how long refresh tokens hold. Milliseconds; 0: none are given. */
  readonly refreshLifetimeMs: number
  access(principal: Principal, scopes: readonly Scope[]): Promise<IssuedToken>
  refresh(principal: Principal): Promise<IssuedToken>
  /** The claims of a token that was signed here, is of this kind and holds now. Throws `unauthenticated` with what is wrong. */
  read(token: string, kind: 'access' | 'refresh'): Promise<JWTPayload>
  jwks: SigningKeys['jwks']
}

export interface TokenIssuerOptions {
  keys: SigningKeys
  /** `aud` and `iss` of the tokens, and what challenges say as `service`. */
  service: string
  lifetimeMs: number
  refreshLifetimeMs: number
  /** The wall clock. */
  now: () => number
}

/** Clocks of instances differ. Seconds, as distribution allows. */
export const leewaySeconds = 60
/** What a token that we made can never exceed; longer ones are refused before anything is computed. */
export const longestToken = 16_384

const types = { access: 'JWT', refresh: 'refresh+jwt' } as const

/** Tokens of distribution's form ("Token Authentication Implementation"), signed with ES256. */
export function createTokenIssuer(options: TokenIssuerOptions): TokenIssuer {
  const { keys, service, lifetimeMs, refreshLifetimeMs, now } = options
  const audience = { access: service, refresh: `${service}/refresh` }

  async function sign(kind: 'access' | 'refresh', claims: JWTPayload, ms: number): Promise<IssuedToken> {
    const { kid, privateKey } = keys.current()
    const seconds = Math.floor(now() / 1000)
    const expiresIn = Math.floor(ms / 1000)
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: signingAlgorithm, typ: types[kind], kid })
      .setIssuer(service)
      .setAudience(audience[kind])
      .setIssuedAt(seconds)
      .setNotBefore(seconds)
      .setExpirationTime(seconds + expiresIn)
      .setJti(randomUUID())
      .sign(privateKey)
    return { token, expiresIn, issuedAt: new Date(seconds * 1000) }
  }

  return {
    service,
    refreshLifetimeMs,
    access: (principal, scopes) => sign('access', { ...claimsOf(principal), access: scopes }, lifetimeMs),
    refresh: (principal) => sign('refresh', claimsOf(principal), refreshLifetimeMs),
    async read(token, kind) {
      if (token.length > longestToken) throw refused('it is too long to be one of ours')
      try {
        const { payload } = await jwtVerify(
          token,
          async ({ kid }) => {
            const key = typeof kid === 'string' && kid.length <= 64 ? await keys.find(kid) : undefined
            if (!key) throw refused('it was signed with a key that is not or no longer known')
            return key
          },
          {
            algorithms: [signingAlgorithm],
            typ: types[kind],
            issuer: service,
            audience: audience[kind],
            clockTolerance: leewaySeconds,
            currentDate: new Date(now()),
            requiredClaims: ['sub', 'exp', 'nbf', 'iat', 'jti', 'entrepot'],
          },
        )
        return payload
      } catch (error) {
        if (error instanceof AppError) throw error
        throw refused(reasonOf(error), error)
      }
    },
    jwks: keys.jwks,
  }
}

/** Says why a token opens nothing, in words that may be sent to whoever showed it. */
export function refused(reason: string, cause?: unknown): AppError {
  return new AppError('unauthenticated', `the token does not hold: ${reason}`, { cause })
}

const reasons: Record<string, string> = {
  ERR_JWT_EXPIRED: 'it has expired',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'its signature is wrong',
  ERR_JOSE_ALG_NOT_ALLOWED: 'it is signed in a way that is not accepted',
  ERR_JWS_INVALID: 'it is no signed token',
  ERR_JWT_INVALID: 'it is no token',
}

/** What is wrong with a token, from the code of jose's error; never any of its text. */
export function reasonOf(error: unknown): string {
  const { code, claim } = error as { code?: string; claim?: string }
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED' && typeof claim === 'string')
    return claim === 'nbf' ? 'it is not valid yet' : `its claim ${claim} is not what it must be`
  return reasons[code ?? ''] ?? 'it cannot be read'
}
