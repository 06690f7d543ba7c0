import { nobodyIsAsked } from './authenticator.ts'
import type { FirstAdmin } from './first-admin.ts'
import type { LocalUsers } from './local-users.ts'
import { openSources, type SourcesOptions } from './open-sources.ts'
import type { Authenticator } from './principal.ts'
import type { AccessTokens } from './tokens/access-tokens.ts'
import { createExternalTokens } from './tokens/external.ts'
import { openTokens, type TokenService } from './tokens/open.ts'
import type { Robots } from './tokens/robots.ts'
import type { Sealer } from './tokens/sealer.ts'

/** Who may enter a server, whichever way its configuration names. */
export interface Identity {
  /** Takes everything that clients of images may send. */
  authenticator: Authenticator
  /** Takes no Bearer tokens: for pages and the API. */
  passwords: Authenticator
  /** Undefined where no tokens are issued. */
  tokens: TokenService | undefined
  /** What an administrator can change; undefined where everyone may enter, or another server says who. */
  accounts: Accounts | undefined
  firstAdmin: FirstAdmin | undefined
  /** Looks at files again. */
  reload(): void
  /** Whether a source of users or a robot has this name. */
  isTaken(name: string): Promise<boolean>
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

/** Opens what `auth` of the configuration asks for. `tokenPath`: where the token endpoint is. */
export async function openIdentity(
  parts: SourcesOptions & { tokenPath: string; sealer: () => Sealer },
): Promise<Identity> {
  const { auth } = parts.config
  const nothing = {
    firstAdmin: undefined,
    reload: () => {},
    tokens: undefined,
    accounts: undefined,
    isTaken: async () => false,
  }
  if (auth === 'none') return { ...nothing, authenticator: nobodyIsAsked, passwords: nobodyIsAsked }
  if (auth && 'token' in auth) {
    const authenticator = await createExternalTokens(auth.token, parts.now)
    return { ...nothing, authenticator, passwords: authenticator }
  }
  const { sources, local, realm, firstAdmin, reload } = await openSources(parts)
  const opened = await openTokens({ ...parts, sources, realm, sealer: parts.sealer() })
  const { authenticator, tokens, isTaken, accessTokens, robots } = opened
  const accounts = { local, accessTokens, robots, sources: sources.map(({ name }) => name) }
  return { authenticator, passwords: tokens.passwords, tokens, accounts, isTaken, firstAdmin, reload }
}
