import type { Database } from '../../database/database.ts'
import { findOidcUser, putOidcUser } from '../../database/oidc-users.ts'
import { AppError } from '../../errors.ts'
import type { KnownPrincipal } from '../principal.ts'
import type { OidcIdentity } from './provider.ts'

export interface OidcUsers {
  /**
   * Remembers somebody whom the provider has let in. Their name is the one they had at the first login, whatever the provider calls them since: grants and
   * tokens hang on it. Throws `denied` when the name belongs to somebody else.
   */
  enter(identity: OidcIdentity): Promise<KnownPrincipal>
  /** As of their last login; undefined for who never was here. */
  find(name: string): Promise<KnownPrincipal | undefined>
}

/** `isTaken`: whether another source of users knows the name, which then is not the provider's to give. */
export function createOidcUsers(
  db: Database,
  now: () => number,
  isTaken: (name: string) => Promise<boolean>,
): OidcUsers {
  return {
    async enter({ issuer, subject, name: called, mail = null, groups, admin }) {
      const known = await findOidcUser(db.queries, { issuer, subject })
      const name = known?.name ?? called
      if (!known) {
        const other = await findOidcUser(db.queries, { name })
        if (other || (await isTaken(name)))
          throw new AppError('denied', `the name ${name} belongs to somebody else here; an admin has to sort that out`)
      }
      const row = {
        issuer,
        subject,
        name,
        admin: admin ? 1 : 0,
        groups: JSON.stringify(groups),
        mail,
        seen_at: now(),
      } as const
      await db.transaction((tx) => putOidcUser(tx, row))
      return { kind: 'user', name, admin, groups }
    },
    async find(name) {
      const row = await findOidcUser(db.queries, { name })
      if (!row) return undefined
      return { kind: 'user', name, admin: row.admin === 1, groups: JSON.parse(row.groups) as string[] }
    },
  }
}
