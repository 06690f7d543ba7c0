import { createClockWatch } from '../../content/clock-watch.ts'
import { removeEndedAccessTokens } from '../../database/access-tokens.ts'
import type { Database } from '../../database/database.ts'

const day = 86_400_000

/** How long `token list --all` still tells of a token that was revoked or has expired. */
const keptMs = 90 * day

/** Removes access tokens whose end is long past, and says how many. None for a day after the clock was set forward: they may be good still. */
export function createTokenPurge(db: Database, now: () => number, steady: () => number) {
  const clock = createClockWatch(now, steady, day)
  clock.isTrusted()
  return async (): Promise<number> =>
    clock.isTrusted() ? db.transaction((tx) => removeEndedAccessTokens(tx, now() - keptMs)) : 0
}
