import type { Selectable } from 'kysely'
import type { Queries } from './database.ts'
import type { OidcUserTable } from './schema.ts'
import { deleteSessions } from './sessions.ts'

export type OidcUserRow = Selectable<OidcUserTable>

export function findOidcUser(
  queries: Queries,
  by: { issuer: string; subject: string } | { name: string },
): Promise<OidcUserRow | undefined> {
  const all = queries.selectFrom('oidc_users').selectAll()
  const one =
    'name' in by
      ? all.where('name', '=', by.name)
      : all.where('issuer', '=', by.issuer).where('subject', '=', by.subject)
  return one.executeTakeFirst()
}

/** Creates the user, or brings up to date what the provider says of them; the name stays what it was. */
export async function putOidcUser(queries: Queries, row: OidcUserRow): Promise<void> {
  const { admin, groups, mail, seen_at } = row
  await queries
    .insertInto('oidc_users')
    .values(row)
    .onConflict((conflict) => conflict.columns(['issuer', 'subject']).doUpdateSet({ admin, groups, mail, seen_at }))
    .execute()
}

export function listOidcUsers(queries: Queries): Promise<OidcUserRow[]> {
  return queries.selectFrom('oidc_users').selectAll().orderBy('name').execute()
}

/** Forgets a user of a provider, with their sessions and access tokens, and those first. False when there is none of that name. */
export async function deleteOidcUser(queries: Queries, name: string): Promise<boolean> {
  if (!(await findOidcUser(queries, { name }))) return false
  await queries.deleteFrom('access_tokens').where('owner_kind', '=', 'user').where('owner', '=', name).execute()
  await deleteSessions(queries, { name })
  const { numDeletedRows } = await queries.deleteFrom('oidc_users').where('name', '=', name).executeTakeFirst()
  return numDeletedRows > 0n
}
