import { randomUUID } from 'node:crypto'
import type { Insertable, Selectable, Updateable } from 'kysely'
import type { Database, Queries } from './database.ts'
import { recall, remember } from './facts.ts'
import { statement } from './prepared.ts'
import type { RepositoryTable } from './schema.ts'

export type RepositoryRow = Selectable<RepositoryTable>

/** All repositories by name: there are few, and callers keep them. */
export function listRepositories(db: Pick<Database, 'queries'>): Promise<RepositoryRow[]> {
  return db.queries.selectFrom('repositories').selectAll().orderBy('name').execute()
}

/** One repository by name, held against other changes until the transaction ends. */
export function holdRepository(queries: Queries, name: string): Promise<RepositoryRow | undefined> {
  return queries.selectFrom('repositories').selectAll().where('name', '=', name).forUpdate().executeTakeFirst()
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

export async function changeRepository(
  queries: Queries,
  id: number,
  changes: Updateable<RepositoryTable>,
): Promise<void> {
  await queries.updateTable('repositories').set(changes).where('id', '=', id).execute()
}

const fact = 'repositories'

/** Changes with every change of any repository: who remembers it learns with one small query that there is something to read again. */
export function repositoriesVersion(queries: Queries): Promise<string | undefined> {
  return recall(queries, fact)
}

/** Says that repositories have changed: once in each transaction that changes one. */
export function repositoriesChanged(queries: Queries): Promise<void> {
  return remember(queries, fact, randomUUID())
}

const holdStore = statement<{ id: number }, { store: string }>((queries, p) =>
  queries.selectFrom('repositories').select('blob_store as store').where('id', '=', p.id).forKeyShare(),
)

/** The store that a repository keeps its content in, which stays so until the transaction ends. Undefined: there is no such repository. */
export async function holdStoreOf(queries: Queries, id: number): Promise<string | undefined> {
  return (await holdStore(queries, { id })).rows[0]?.store
}

/** Lets only one transaction at a time add to the repository, of those that ask for it. */
export async function holdQuota(queries: Queries, id: number): Promise<void> {
  await queries.selectFrom('repositories').select('id').where('id', '=', id).forNoKeyUpdate().execute()
}

/** Whether anything was ever pushed to it, or cached in it, that is still there. */
export async function hasImages(queries: Queries, repositoryId: number): Promise<boolean> {
  const row = await queries
    .selectFrom('images')
    .select('id')
    .where('repository_id', '=', repositoryId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Whether any repository has a sealed secret. */
export async function hasSecrets(queries: Queries): Promise<boolean> {
  const sealed = queries.selectFrom('repositories').select('id').where('settings', 'like', '%"sealed:%').limit(1)
  return (await sealed.executeTakeFirst()) !== undefined
}
