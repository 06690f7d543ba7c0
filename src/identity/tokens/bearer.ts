import type { Origin } from '../../http/incoming.ts'
import { principalOf } from '../authenticator.ts'
import { createCredentialNames } from '../fingerprint.ts'
import type { Authenticator, Client, Principal, WantedToken } from '../principal.ts'
import type { UserSource } from '../sources.ts'
import { longestToken, refused } from './issuer.ts'

/** Who showed a token, and until when that can be remembered. */
export interface TokenVerdict {
  principal: Principal
  /** The end of the token in milliseconds of the wall clock, leeway included. */
  expiresAt: number
}

export interface BearerOptions {
  /** Answers everything that is no Bearer token, and is closed with this. */
  passwords: Authenticator
  /** Throws `unauthenticated` for a token that does not hold. */
  verify(token: string): Promise<TokenVerdict>
  /** Whose users tokens are issued for: a change in one of them ends what is remembered. */
  sources: readonly UserSource[]
  /** Undefined where clients are asked for a password although tokens are accepted. */
  challenge: ((origin: Origin, wanted: WantedToken) => string) | undefined
  /** How long a verified token is believed without looking at its user again: the bound after which a change made by another instance holds here. */
  cacheSeconds?: number
  cacheEntries?: number
  /** The wall clock. */
  now?: () => number
}

/** How many characters `Authorization` has before the token. */
const scheme = /^\s*bearer\s+/i

/** An authenticator that takes Bearer tokens as well. A token that was verified lately is answered from memory, without waiting. */
export function withBearer(options: BearerOptions): Authenticator {
  const { passwords, verify, sources, challenge, cacheSeconds = 60, cacheEntries = 10_000, now = Date.now } = options
  const nameOf = createCredentialNames()
  const remembered = new Map<string, { principal: Principal; until: number }>()
  let generation = currentGeneration()

  function currentGeneration(): number {
    let sum = 0
    for (const source of sources) sum += source.generation()
    return sum
  }

  function authenticate(credentials: string | undefined, client: Client): Principal | Promise<Principal> {
    if (credentials === undefined || !scheme.test(credentials)) return passwords.authenticate(credentials, client)
    if (credentials.length > longestToken) throw refused('it is too long to be one of ours')
    const current = currentGeneration()
    if (current !== generation) {
      generation = current
      remembered.clear()
    }
    const digest = nameOf(credentials)
    const known = remembered.get(digest)
    if (known && known.until > now()) return known.principal
    return verifyAndRemember(credentials, digest)
  }

  async function verifyAndRemember(credentials: string, digest: string): Promise<Principal> {
    const began = generation
    remembered.delete(digest)
    const { principal, expiresAt } = await verify(credentials.replace(scheme, '').trimEnd())
    const until = Math.min(expiresAt, now() + cacheSeconds * 1000)
    if (began === currentGeneration()) remembered.set(digest, { principal: Object.freeze(principal), until })
    if (remembered.size > cacheEntries) remembered.delete(remembered.keys().next().value!)
    return principal
  }

  return {
    challenge: passwords.challenge,
    bearerChallenge: challenge,
    authenticate,
    async close() {
      remembered.clear()
      await passwords.close()
    },
  }
}

/**
 * The principal of a token as they are now: whoever was removed or has another password is undefined. Where the source cannot tell without a password, as they
 * were when the token was issued.
 */
export async function asOfNow(
  principal: Principal,
  sources: readonly Pick<UserSource, 'name' | 'find'>[],
): Promise<Principal | undefined> {
  if (principal.kind === 'anonymous') return principal
  const { scopes, credential = '' } = principal
  const colon = credential.indexOf(':')
  const source = sources.find(({ name }) => name === credential.slice(0, colon))
  if (!source) return undefined
  if (!source.find) return principal
  const user = await source.find(principal.name, credential.slice(colon + 1))
  return user && { ...principalOf(user, source), ...(scopes ? { scopes } : {}) }
}
