import { readFileSync } from 'node:fs'
import { jwtVerify } from 'jose'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../errors.ts'
import type { Authenticator, Principal, Scope } from '../principal.ts'
import { withBearer } from './bearer.ts'
import { writeBearerChallenge } from './challenge.ts'
import { leewaySeconds, reasonOf, refused } from './issuer.ts'
import { readTrustedKeys } from './trusted-keys.ts'

/** `auth.token` of the configuration. */
export type ExternalTokenSettings = Extract<Config['auth'], { token: unknown }>['token']

/** Signatures that need no shared secret: with one of those (HS256) whoever can verify a token can also make it. */
const algorithms = ['EdDSA', 'ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const

/** Names of signatures that `auth.token.signingalgorithms` may list. */
export const externalAlgorithms: readonly string[] = algorithms

/**
 * Takes the tokens of another server, as distribution's `auth.token` does: who somebody is and what they may stands in the token and nowhere else. Passwords are not
 * taken: that server knows them. Throws `unavailable` when its certificates or keys cannot be read.
 */
export async function createExternalTokens(
  settings: ExternalTokenSettings,
  now: () => number = Date.now,
): Promise<Authenticator> {
  const { realm, service, issuer, rootcertbundle, jwks, signingalgorithms, autoredirect, autoredirectpath } = settings
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path, 'utf8'))
  const keys = await readTrustedKeys({ bundle: read(rootcertbundle), jwks: read(jwks) }, now).catch((cause) => {
    const files = [rootcertbundle, jwks].filter((path) => path !== undefined).join(' and ')
    throw new AppError('unavailable', `auth.token: cannot use ${files}: ${(cause as Error).message}`, { cause })
  })
  const accepted = signingalgorithms.length > 0 ? [...signingalgorithms] : [...algorithms]

  async function verify(token: string) {
    try {
      const { payload } = await jwtVerify(
        token,
        async (header) => {
          const key = await keys.keyFor(header)
          if (!key) throw refused('it is signed by nobody who is trusted here')
          return key
        },
        {
          algorithms: accepted,
          issuer,
          audience: service,
          clockTolerance: leewaySeconds,
          currentDate: new Date(now()),
          requiredClaims: ['exp'],
        },
      )
      const expiresAt = (payload.exp! + leewaySeconds) * 1000
      return { principal: principalOf(payload.sub, accessOf(payload['access'])), expiresAt }
    } catch (error) {
      throw error instanceof AppError ? error : refused(reasonOf(error), error)
    }
  }

  const passwords: Authenticator = {
    challenge: writeBearerChallenge(realm ?? autoredirectpath, service),
    authenticate(credentials) {
      if (credentials === undefined) return { kind: 'anonymous' }
      throw new AppError('unauthenticated', 'passwords are not taken here: get a token from the token server')
    },
    close: async () => {},
  }
  return withBearer({
    passwords,
    verify,
    sources: [],
    now,
    challenge: ({ scheme, host, prefix }, wanted) =>
      writeBearerChallenge(
        autoredirect || realm === undefined ? `${scheme}://${host}${prefix}${autoredirectpath}` : realm,
        service,
        wanted,
      ),
  })
}

function principalOf(sub: string | undefined, scopes: Scope[]): Principal {
  return sub ? { kind: 'user', name: sub, admin: false, groups: [], scopes } : { kind: 'anonymous', scopes }
}

/** What cannot be read grants nothing. */
function accessOf(claim: unknown): Scope[] {
  if (!Array.isArray(claim)) return []
  return claim.flatMap((entry: Partial<Scope> | null) =>
    typeof entry?.type === 'string' && typeof entry.name === 'string' && Array.isArray(entry.actions)
      ? [{ type: entry.type, name: entry.name, actions: entry.actions.filter((one) => typeof one === 'string') }]
      : [],
  )
}
