import type { Insertable, Selectable, Updateable } from 'kysely'
import type { Database } from './database.ts'
import type { UserTable } from './schema.ts'
import { deleteSessions } from './sessions.ts'

export type UserRow = Selectable<UserTable>

/** The database, or `{queries}` of a transaction. */
type In = Pick<Database, 'queries'>

export function findUser(db: In, name: string): Promise<UserRow | undefined> {
  return db.queries.selectFrom('users').selectAll().where('name', '=', name).executeTakeFirst()
}

export function listUsers(db: In): Promise<UserRow[]> {
  return db.queries.selectFrom('users').selectAll().orderBy('name').execute()
}

export async function countUsers(db: In): Promise<number> {
  const { count } = await db.queries
    .selectFrom('users')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Creates a user. False: the name is taken, nothing changed. */
export async function insertUser(db: In, user: Insertable<UserTable>): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db.queries
    .insertInto('users')
    .values(user)
    .onConflict((conflict) => conflict.column('name').doNothing())
    .executeTakeFirst()
  return (numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** Their sessions end. */
export async function setPassword(db: In, name: string, passwordHash: string): Promise<boolean> {
  const { numUpdatedRows } = await db.queries
    .updateTable('users')
    .set({ password_hash: passwordHash })
    .where('name', '=', name)
    .executeTakeFirst()
  await deleteSessions(db.queries, { name })
  return numUpdatedRows > 0n
}

/** Their sessions end. False when there is no such user. */
export async function changeUser(db: In, name: string, changes: Updateable<UserTable>): Promise<boolean> {
  const { numUpdatedRows } = await db.queries
    .updateTable('users')
    .set(changes)
    .where('name', '=', name)
    .executeTakeFirst()
  await deleteSessions(db.queries, { name })
  return numUpdatedRows > 0n
}

/** With their sessions and access tokens, and those first: a later user of that name must not be opened by them. False when there is no such user. */
export async function deleteUser(db: In, name: string): Promise<boolean> {
  if (!(await findUser(db, name))) return false
  await db.queries.deleteFrom('access_tokens').where('owner_kind', '=', 'user').where('owner', '=', name).execute()
  await deleteSessions(db.queries, { name })
  const { numDeletedRows } = await db.queries.deleteFrom('users').where('name', '=', name).executeTakeFirst()
  return numDeletedRows > 0n
}
