import type { Database } from '../../database/database.ts'
import { findOidcUser } from '../../database/oidc-users.ts'
import type { Log } from '../../telemetry/log.ts'
import type { UserRecord, UserSource } from '../sources.ts'
import { mergedWith } from './users.ts'

/**
 * A directory beside a provider whose users have names here as well. Who has such a name is the same person where `isSame`, with the groups of both; elsewhere somebody
 * else, who may not become that person by having a password in the directory.
 */
export function besideProvider(
  source: UserSource,
  { db, log, isSame }: { db: Pick<Database, 'queries'>; log: Log; isSame: boolean },
): UserSource {
  const { find } = source

  async function settle(record: UserRecord): Promise<UserRecord | undefined> {
    const row = await findOidcUser(db.queries, { name: record.name })
    if (!row) return record
    if (isSame) return mergedWith(record, row)
    log.warn('login refused: the name belongs to a user of the OpenID provider; are they one? Then set oidc.sameAs', {
      directory: source.name,
      user: record.name,
    })
    return undefined
  }

  return {
    ...source,
    async verify(username, password) {
      const verdict = await source.verify(username, password)
      return typeof verdict === 'string' ? verdict : ((await settle(verdict)) ?? 'wrong')
    },
    ...(find && {
      async find(username: string, credential?: string) {
        const record = await find(username, credential)
        return record && settle(record)
      },
    }),
  }
}
