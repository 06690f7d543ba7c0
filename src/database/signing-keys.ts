import type { Selectable } from 'kysely'
import type { Queries } from './database.ts'
import type { SigningKeyTable } from './schema.ts'

export type SigningKeyRow = Selectable<SigningKeyTable>

/** Oldest first. */
export function listSigningKeys(queries: Queries): Promise<SigningKeyRow[]> {
  return queries.selectFrom('signing_keys').selectAll().orderBy('number').execute()
}

/** Of several that come with one number, in any process, the first stays; the others change nothing. */
export async function insertSigningKey(queries: Queries, row: SigningKeyRow): Promise<void> {
  await queries
    .insertInto('signing_keys')
    .values(row)
    .onConflict((conflict) => conflict.column('number').doNothing())
    .execute()
}

export async function deleteSigningKeys(queries: Queries, numbers: number[]): Promise<void> {
  if (numbers.length > 0) await queries.deleteFrom('signing_keys').where('number', 'in', numbers).execute()
}

export async function changeSigningKey(
  queries: Queries,
  number: number,
  change: Pick<SigningKeyRow, 'private_key'>,
): Promise<void> {
  await queries.updateTable('signing_keys').set(change).where('number', '=', number).execute()
}
