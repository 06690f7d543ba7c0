import { type SqlBool, sql } from 'kysely'
import type { Queries } from './database.ts'

/** No turn is longer. An end twice as far away was written before the clock was set back; clocks of instances differ by less. */
export const longestTurnMs = 600_000

/**
 * Takes the turn for work that one instance at a time does, until `until`. False: another one has it. Whoever dies with it loses it in time.
 * Times are written with as many digits until the year 2286, so that texts compare as numbers do.
 */
export async function takeTurn(queries: Queries, name: string, now: number, until: number): Promise<boolean> {
  const row = await queries
    .insertInto('facts')
    .values({ name: `turn: ${name}`, value: String(until) })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet({ value: String(until) })
        .where(sql<SqlBool>`(facts.value <= ${String(now)} or facts.value > ${String(now + 2 * longestTurnMs)})`),
    )
    .returning('value')
    .executeTakeFirst()
  return row !== undefined
}

/** Keeps the turn that one has until another time, or ends it by giving the time that is now. */
export async function keepTurn(queries: Queries, name: string, until: number): Promise<void> {
  await queries
    .updateTable('facts')
    .set({ value: String(until) })
    .where('name', '=', `turn: ${name}`)
    .execute()
}
