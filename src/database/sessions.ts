import type { Selectable } from 'kysely'
import type { Database, Queries } from './database.ts'
import type { SessionTable } from './schema.ts'

export type SessionRow = Selectable<SessionTable>

export async function insertSession(queries: Queries, row: SessionRow): Promise<void> {
  await queries.insertInto('sessions').values(row).execute()
}

/** Finds a session by its id on the way of every request of the web page. */
export function prepareFindSession(db: Database) {
  return db.prepare<{ id: string }, SessionRow>((queries, { id }) =>
    queries.selectFrom('sessions').selectAll().where('id', '=', id),
  )
}

export async function touchSession(queries: Queries, id: string, usedAt: number): Promise<void> {
  await queries.updateTable('sessions').set({ used_at: usedAt }).where('id', '=', id).execute()
}

/** The sessions of one user, the one used last first. */
export function listSessions(queries: Queries, name: string): Promise<SessionRow[]> {
  return queries.selectFrom('sessions').selectAll().where('name', '=', name).orderBy('used_at', 'desc').execute()
}

export async function deleteSession(queries: Queries, id: string): Promise<boolean> {
  const { numDeletedRows } = await queries.deleteFrom('sessions').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

/** Ends all sessions of a user (but `except`, an id), or all that were not used since a time or are older than another. Resolves to how many. */
export async function deleteSessions(
  queries: Queries,
  which: { name: string; except?: string | undefined } | { unusedSince: number; createdBefore: number },
): Promise<number> {
  const all = queries.deleteFrom('sessions')
  const some =
    'name' in which
      ? all.where('name', '=', which.name).where('id', '!=', which.except ?? '')
      : all.where(({ or, eb }) =>
          or([eb('used_at', '<', which.unusedSince), eb('created_at', '<', which.createdBefore)]),
        )
  const { numDeletedRows } = await some.executeTakeFirst()
  return Number(numDeletedRows)
}
