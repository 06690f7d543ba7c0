import type { Insertable, Selectable } from 'kysely'
import type { Database, Queries } from './database.ts'
import type { RepositoryTable } from './schema.ts'

export type RepositoryRow = Selectable<RepositoryTable>

/** All repositories by name: there are few, and callers keep them. */
export function listRepositories(db: Database): Promise<RepositoryRow[]> {
  return db.queries.selectFrom('repositories').selectAll().orderBy('name').execute()
}

/** Creates the repository or changes it to what is given; its id stays. */
export async function putRepository(queries: Queries, row: Insertable<RepositoryTable>): Promise<void> {
  const { created_at: _, ...changes } = row
  await queries
    .insertInto('repositories')
    .values(row)
    .onConflict((conflict) => conflict.column('name').doUpdateSet(changes))
    .execute()
}
