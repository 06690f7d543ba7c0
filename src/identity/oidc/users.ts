import type { Database } from '../../database/database.ts'
import { findOidcUser, type OidcUserRow, putOidcUser } from '../../database/oidc-users.ts'
import { AppError } from '../../errors.ts'
import { principalOf } from '../authenticator.ts'
import type { KnownPrincipal } from '../principal.ts'
import { isKnown, type UserRecord, type UserSource } from '../sources.ts'
import type { OidcIdentity } from './provider.ts'

export interface OidcUsers extends Pick<UserSource, 'name'> {
  /**
   * Remembers somebody whom the provider has let in. Their name is the one they had at the first login, whatever the provider calls them since: grants and
   * tokens hang on it. Throws `denied` when the name belongs to somebody else.
   */
  enter(identity: OidcIdentity): Promise<KnownPrincipal>
  /** As of their last login; undefined for who never was here, and for who was in a directory then (`credential` of a record from here) and is not now. */
  find(name: string, credential?: string): Promise<UserRecord | undefined>
}

export interface OidcUsersOptions {
  db: Database
  now: () => number
  /** Whether somebody has the name who is in none of the directories of `sameAs`: it is not the provider's to give then. */
  isTaken: (name: string) => Promise<boolean>
  /** `oidc.sameAs`: directories whose users are those of the provider, by the same names. */
  sameAs?: readonly UserSource[]
}

/** The users of a provider as a source of users without passwords. */
export function createOidcUsers({ db, now, isTaken, sameAs = [] }: OidcUsersOptions): OidcUsers {
  /** The same person in a directory. */
  async function partnerOf(name: string) {
    for (const source of sameAs) {
      const record = await source.find?.(name)
      if (record) return { source, record }
    }
    return undefined
  }

  /** With what a directory says of them, which is what the credential then tells. */
  async function recordOf(row: Pick<OidcUserRow, 'name' | 'admin' | 'groups'>): Promise<UserRecord> {
    const partner = await partnerOf(row.name)
    const record = mergedWith({ name: row.name, admin: false }, row)
    if (!partner) return { ...record, credential: '' }
    const { admin, groups = [] } = partner.record
    const together = [...new Set([...(record.groups ?? []), ...groups])]
    return { ...record, admin: record.admin || admin, groups: together, credential: partner.source.name }
  }

  const users: OidcUsers = {
    name: 'oidc',
    async enter({ issuer, subject, name: called, mail = null, groups, admin }) {
      const known = await findOidcUser(db.queries, { issuer, subject })
      const name = known?.name ?? called
      const isSomebodyElse = !known && ((await findOidcUser(db.queries, { name })) || (await isTaken(name)))
      // In a directory, but not as one who may log in, or only by another spelling.
      const isShutOut = !isSomebodyElse && !(await partnerOf(name)) && (await isKnown(name, sameAs))
      if (isSomebodyElse || isShutOut)
        throw new AppError('denied', `the name ${name} belongs to somebody else here; an admin has to sort that out`)
      const row: OidcUserRow = {
        issuer,
        subject,
        name,
        admin: admin ? 1 : 0,
        groups: JSON.stringify(groups),
        mail,
        seen_at: now(),
      }
      await db.transaction((tx) => putOidcUser(tx, row))
      return principalOf(await recordOf(row), users)
    },
    async find(name, credential = '') {
      const row = await findOidcUser(db.queries, { name })
      const record = row && (await recordOf(row))
      return credential === '' || record?.credential === credential ? record : undefined
    },
  }
  return users
}

/** A record together with what the provider said at the last login of the same person. */
export function mergedWith(record: UserRecord, row: Pick<OidcUserRow, 'admin' | 'groups'>): UserRecord {
  const groups = [...new Set([...(record.groups ?? []), ...(JSON.parse(row.groups) as string[])])]
  return { ...record, admin: record.admin || Number(row.admin) === 1, groups }
}
