import type { Insertable, Selectable, Updateable } from 'kysely'
import type { Queries } from './database.ts'
import type { JobTable } from './schema.ts'

export type JobRow = Selectable<JobTable>

/** Which jobs of a list. */
export interface JobFilter {
  kind?: string | undefined
  object?: string | undefined
  state?: JobRow['state'] | undefined
}

/** Adds a job. Undefined: there is one of this kind for this object that is not finished. */
export async function insertJob(queries: Queries, row: Insertable<JobTable>): Promise<number | undefined> {
  const added = await queries
    .insertInto('jobs')
    .values(row)
    .onConflict((conflict) => conflict.columns(['kind', 'object']).where('finished_at', 'is', null).doNothing())
    .returning('id')
    .executeTakeFirst()
  return added && Number(added.id)
}

export function findUnfinishedJob(queries: Queries, kind: string, object: string): Promise<JobRow | undefined> {
  return queries
    .selectFrom('jobs')
    .selectAll()
    .where('kind', '=', kind)
    .where('object', '=', object)
    .where('finished_at', 'is', null)
    .executeTakeFirst()
}

export function findJob(queries: Queries, id: number): Promise<JobRow | undefined> {
  return queries.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The newest first, those before `before`. */
export function listJobs(
  queries: Queries,
  { kind, object, state }: JobFilter,
  { before, limit }: { before?: number | undefined; limit: number },
): Promise<JobRow[]> {
  let all = queries.selectFrom('jobs').selectAll().orderBy('id', 'desc').limit(limit)
  if (kind !== undefined) all = all.where('kind', '=', kind)
  if (object !== undefined) all = all.where('object', '=', object)
  if (state !== undefined) all = all.where('state', '=', state)
  if (before !== undefined) all = all.where('id', '<', before)
  return all.execute()
}

/** Jobs that nobody runs: those that wait, and those whose holder gave no sign of life. The oldest first. */
export function claimableJobs(queries: Queries, now: number, limit: number): Promise<JobRow[]> {
  return queries
    .selectFrom('jobs')
    .selectAll()
    .where('finished_at', 'is', null)
    .where('lease_until', '<', now)
    .orderBy('id')
    .limit(limit)
    .execute()
}

/** Changes a job that is still as it was when it was read: held by the same instance, taken as often. False: it is not, and nothing was changed. */
export async function changeHeldJob(
  queries: Queries,
  { id, holder, attempts }: Pick<JobRow, 'id' | 'holder' | 'attempts'>,
  changes: Updateable<JobTable>,
): Promise<boolean> {
  const { numUpdatedRows } = await queries
    .updateTable('jobs')
    .set(changes)
    .where('id', '=', id)
    .where('holder', holder === null ? 'is' : '=', holder)
    .where('attempts', '=', attempts)
    .where('finished_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Asks whoever runs it to stop; ends it at once when nobody does. False: it is finished, or there is none. */
export async function askToCancel(queries: Queries, id: number, now: number): Promise<boolean> {
  const { numUpdatedRows } = await queries
    .updateTable('jobs')
    .set({ cancel_asked: 1 })
    .where('id', '=', id)
    .where('finished_at', 'is', null)
    .executeTakeFirst()
  await queries
    .updateTable('jobs')
    .set({ state: 'cancelled', finished_at: now, holder: null })
    .where('id', '=', id)
    .where('finished_at', 'is', null)
    .where('lease_until', '<', now)
    .execute()
  return numUpdatedRows > 0n
}

/** Lets a job that failed or was cancelled wait again. False: there is none that did. */
export async function renewJob(queries: Queries, id: number): Promise<boolean> {
  const { numUpdatedRows } = await queries
    .updateTable('jobs')
    .set({
      state: 'waiting',
      error: null,
      finished_at: null,
      holder: null,
      lease_until: 0,
      cancel_asked: 0,
      attempts: 0,
    })
    .where('id', '=', id)
    .where('state', 'in', ['failed', 'cancelled'])
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Forgets jobs that ended before a time. Resolves to how many. */
export async function forgetJobs(queries: Queries, endedBefore: number): Promise<number> {
  const { numDeletedRows } = await queries.deleteFrom('jobs').where('finished_at', '<', endedBefore).executeTakeFirst()
  return Number(numDeletedRows)
}
