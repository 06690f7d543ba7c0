import type { UserRecord, UserSource } from '../sources.ts'
import { type AccessToken, type AccessTokens, isLive } from './access-tokens.ts'
import type { Robots } from './robots.ts'
import { isSecret } from './secret.ts'

export interface TokenSourceOptions {
  tokens: AccessTokens
  robots: Pick<Robots, 'find'>
  /** Where the users are whose tokens these may be, in the order in which they are asked. */
  owners: readonly Pick<UserSource, 'find'>[]
  now: () => number
}

/**
 * Access tokens as a source of users: the password is the token, the name is its owner's. Stands before all others, and knows nothing of a password that is no
 * token by its form, so that nobody's login costs a lookup more. A user's token gives what the user's own source says of them now, within the token's limits.
 */
export function createTokenSource({ tokens, robots, owners, now }: TokenSourceOptions): UserSource {
  async function recordOf(token: AccessToken): Promise<UserRecord | undefined> {
    if (!isLive(token, now())) return undefined
    const owner = await ownerOf(token)
    if (!owner) return undefined
    tokens.used(token.id)
    const { limits } = token
    return { ...owner, credential: String(token.id), ...(limits === undefined ? {} : { limits }) }
  }

  async function ownerOf({ owner: { kind, name } }: AccessToken): Promise<UserRecord | undefined> {
    if (kind === 'robot') {
      const robot = await robots.find(name)
      return robot && !robot.disabled ? { kind: 'robot', name, admin: false } : undefined
    }
    for (const source of owners) {
      const user = await source.find?.(name)
      if (user) return { name: user.name, admin: user.admin, groups: user.groups ?? [] }
    }
    return undefined
  }

  return {
    name: 'token',
    generation: tokens.generation,
    async verify(username, password) {
      if (!isSecret(password)) return 'unknown'
      const token = await tokens.findBySecret(password)
      // Without a row it may yet be the password of a user somewhere; and it then costs as much as any wrong one.
      if (!token || token.owner.name !== username) return 'unknown'
      return (await recordOf(token)) ?? 'wrong'
    },
    // A refusal costs a hash of a microsecond here; hiding it is the work of the others.
    decoy: async () => {},
    async find(username, credential) {
      const token = /^\d{1,15}$/.test(credential ?? '') ? await tokens.find(Number(credential)) : undefined
      return token?.owner.name === username ? recordOf(token) : undefined
    },
    close: () => tokens.flush(),
  }
}
