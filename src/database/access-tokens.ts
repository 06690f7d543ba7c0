import type { Selectable } from 'kysely'
import type { Queries } from './database.ts'
import type { AccessTokenTable, RobotTable } from './schema.ts'

export type AccessTokenRow = Selectable<AccessTokenTable>
export type RobotRow = Selectable<RobotTable>

/** Whose tokens. */
export interface Owner {
  kind: 'user' | 'robot'
  name: string
}

export async function insertAccessToken(queries: Queries, row: Omit<AccessTokenRow, 'id'>): Promise<number> {
  const { id } = await queries.insertInto('access_tokens').values(row).returning('id').executeTakeFirstOrThrow()
  return Number(id)
}

export function findAccessTokenByHash(queries: Queries, hash: string): Promise<AccessTokenRow | undefined> {
  return queries.selectFrom('access_tokens').selectAll().where('hash', '=', hash).executeTakeFirst()
}

export function findAccessToken(queries: Queries, id: number): Promise<AccessTokenRow | undefined> {
  return queries.selectFrom('access_tokens').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Oldest first. */
export function listAccessTokens(queries: Queries, owner: Owner | undefined): Promise<AccessTokenRow[]> {
  const all = queries.selectFrom('access_tokens').selectAll().orderBy('id')
  const some = owner ? all.where('owner_kind', '=', owner.kind).where('owner', '=', owner.name) : all
  return some.execute()
}

/** False: there is none, or it was revoked before. */
export async function revokeAccessToken(queries: Queries, id: number, at: number): Promise<boolean> {
  const { numUpdatedRows } = await queries
    .updateTable('access_tokens')
    .set({ revoked_at: at })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Removes tokens that were revoked or have expired before a time. How many there were. */
export async function removeEndedAccessTokens(queries: Queries, before: number): Promise<number> {
  const { numDeletedRows } = await queries
    .deleteFrom('access_tokens')
    .where((where) => where.or([where('revoked_at', '<', before), where('expires_at', '<', before)]))
    .executeTakeFirst()
  return Number(numDeletedRows)
}

export async function touchAccessToken(queries: Queries, id: number, at: number): Promise<void> {
  await queries
    .updateTable('access_tokens')
    .set({ last_used_at: at })
    .where('id', '=', id)
    .where((where) => where.or([where('last_used_at', 'is', null), where('last_used_at', '<', at)]))
    .execute()
}

export function findRobot(queries: Queries, name: string): Promise<RobotRow | undefined> {
  return queries.selectFrom('robots').selectAll().where('name', '=', name).executeTakeFirst()
}

export function listRobots(queries: Queries): Promise<RobotRow[]> {
  return queries.selectFrom('robots').selectAll().orderBy('name').execute()
}

/** False: the name is taken. */
export async function insertRobot(queries: Queries, row: Omit<RobotRow, 'id'>): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await queries
    .insertInto('robots')
    .values(row)
    .onConflict((conflict) => conflict.column('name').doNothing())
    .executeTakeFirst()
  return (numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** False: there is none. */
export async function setRobotDisabled(queries: Queries, name: string, disabled: boolean): Promise<boolean> {
  const { numUpdatedRows } = await queries
    .updateTable('robots')
    .set({ disabled: disabled ? 1 : 0 })
    .where('name', '=', name)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** With its tokens: a later robot of that name must not be opened by them. False: there is none. */
export async function deleteRobot(queries: Queries, name: string): Promise<boolean> {
  await queries.deleteFrom('access_tokens').where('owner_kind', '=', 'robot').where('owner', '=', name).execute()
  const { numDeletedRows } = await queries.deleteFrom('robots').where('name', '=', name).executeTakeFirst()
  return numDeletedRows > 0n
}
