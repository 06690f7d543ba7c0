import type { Insertable, Selectable } from 'kysely'
import type { Queries } from './database.ts'
import type { AuditEventTable } from './schema.ts'

export type AuditRow = Selectable<AuditEventTable>
export type NewAuditRow = Insertable<AuditEventTable>

/** Which events are wanted; what is not named does not matter. Times in milliseconds since 1970. */
export interface AuditFilter {
  actor?: string | undefined
  repository?: string | undefined
  /** Whole, or with a star at the end: `manifest.*`. */
  action?: string | undefined
  result?: 'done' | 'denied' | undefined
  since?: number | undefined
  until?: number | undefined
}

/** Rows per statement: SQLite allows 32,766 parameters. */
const chunk = 1000

export async function insertAuditEvents(queries: Queries, rows: readonly NewAuditRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += chunk)
    await queries
      .insertInto('audit_events')
      .values(rows.slice(start, start + chunk))
      .execute()
}

/** The newest events first, older than the one with id `before`. */
export async function listAuditEvents(
  queries: Queries,
  filter: AuditFilter,
  { limit, before }: { limit: number; before?: number | undefined },
): Promise<AuditRow[]> {
  const { actor, repository, action, result, since, until } = filter
  let query = queries.selectFrom('audit_events').selectAll().orderBy('id', 'desc').limit(limit)
  if (before !== undefined) query = query.where('id', '<', before)
  if (actor !== undefined) query = query.where('actor', '=', actor)
  if (repository !== undefined) query = query.where('repository', '=', repository)
  if (result !== undefined) query = query.where('result', '=', result)
  if (since !== undefined) query = query.where('at', '>=', since)
  if (until !== undefined) query = query.where('at', '<', until)
  if (action?.endsWith('*')) {
    const start = action.slice(0, -1)
    query = query.where('action', '>=', start).where('action', '<', `${start}\u{10ffff}`)
  } else if (action !== undefined) query = query.where('action', '=', action)
  return query.execute()
}

/** Removes up to `limit` events from before `time`; resolves to how many. */
export async function removeAuditEvents(queries: Queries, time: number, limit: number): Promise<number> {
  const old = queries.selectFrom('audit_events').select('id').where('at', '<', time).orderBy('at').limit(limit)
  const { numDeletedRows } = await queries.deleteFrom('audit_events').where('id', 'in', old).executeTakeFirst()
  return Number(numDeletedRows)
}
