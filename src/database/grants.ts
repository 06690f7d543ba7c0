import type { Insertable, Selectable } from 'kysely'
import type { Queries } from './database.ts'
import type { GrantTable } from './schema.ts'

export type GrantRow = Selectable<GrantTable>

/** All grants, oldest first: they fit into memory, where callers keep them. */
export function listGrants(queries: Queries): Promise<GrantRow[]> {
  return queries.selectFrom('grants').selectAll().orderBy('id').execute()
}

/** False: there is one that says the same, nothing changed. */
export async function insertGrant(queries: Queries, row: Insertable<GrantTable>): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await queries
    .insertInto('grants')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['subject_kind', 'subject', 'repository', 'role', 'images', 'managed_by']).doNothing(),
    )
    .executeTakeFirst()
  return (numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** Removes grants and returns how many there were. */
export async function deleteGrants(queries: Queries, ids: readonly number[]): Promise<number> {
  let count = 0
  for (let start = 0; start < ids.length; start += 1000) {
    const some = ids.slice(start, start + 1000)
    const { numDeletedRows } = await queries.deleteFrom('grants').where('id', 'in', some).executeTakeFirst()
    count += Number(numDeletedRows)
  }
  return count
}
