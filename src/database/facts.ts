import type { Queries } from './database.ts'

/** What the installation remembers about itself under a name; undefined: nothing yet. */
export async function recall(queries: Queries, name: string): Promise<string | undefined> {
  const row = await queries.selectFrom('facts').select('value').where('name', '=', name).executeTakeFirst()
  return row?.value
}

export async function remember(queries: Queries, name: string, value: string): Promise<void> {
  await queries
    .insertInto('facts')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute()
}
