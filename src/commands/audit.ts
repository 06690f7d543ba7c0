import { type AuditFilter, type AuditRow, listAuditEvents } from '../database/audit.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { loadOrExplain } from './configured.ts'
import type { CommandIo } from './io.ts'

export interface AuditOptions {
  config?: string | undefined
  user?: string | undefined
  repository?: string | undefined
  action?: string | undefined
  denied?: boolean | undefined
  /** A time as people write it, or how long ago: `2h`, `7d`. */
  since?: string | undefined
  until?: string | undefined
  limit?: string | undefined
  json?: boolean | undefined
}

const pageSize = 1000
const unitMs: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `entrepot audit`: the newest events as a table, or all that fit the filter as JSON lines (`--json`), oldest last. Returns the exit code. */
export async function audit(options: AuditOptions, io: CommandIo, now = Date.now()): Promise<number> {
  const [since, until] = [timeOf(options.since, now), timeOf(options.until, now)]
  const limit = options.limit === undefined ? (options.json ? Number.POSITIVE_INFINITY : 50) : Number(options.limit)
  for (const [name, value] of Object.entries({ since, until, limit }))
    if (Number.isNaN(value) || (name === 'limit' && Number(value) < 1)) {
      const form = name === 'limit' ? 'a number' : 'how long ago (30m, 2h, 7d), or a time (2026-01-31T08:00:00Z)'
      io.err.write(`--${name} ${options[name as 'since']}: write ${form}\n`)
      return 2
    }
  const config = loadOrExplain(options, io)
  if (!config) return 2
  const { user: actor, repository, action } = options
  const filter = { actor, repository, action, since, until, result: options.denied ? ('denied' as const) : undefined }
  const db = await openDatabase(config.database)
  try {
    let shown = 0
    for await (const row of newestFirst(db, filter, limit)) {
      io.out.write(options.json ? `${JSON.stringify(publicForm(row))}\n` : lineOf(row))
      shown += 1
    }
    if (shown === 0) io.err.write('nothing fits\n')
    return 0
  } finally {
    await db.close()
  }
}

async function* newestFirst(db: Database, filter: AuditFilter, limit: number): AsyncGenerator<AuditRow> {
  let before: number | undefined
  for (let left = limit; left > 0; ) {
    const rows = await listAuditEvents(db.queries, filter, { limit: Math.min(left, pageSize), before })
    yield* rows
    left -= rows.length
    before = rows.at(-1)?.id
    if (rows.length < pageSize) return
  }
}

/** An event as JSON shows it: times as text, detail as data, nothing that is empty. */
export function publicForm({ at, detail, ...row }: AuditRow): object {
  const kept = Object.entries(row).filter(([, value]) => value !== '')
  return { ...Object.fromEntries(kept), at: new Date(at).toISOString(), ...(detail && { detail: JSON.parse(detail) }) }
}

function lineOf({ at, result, action, actor, actor_kind, address, repository, object, times }: AuditRow): string {
  const who = `${actor === '' ? actor_kind : actor}${address === '' ? '' : `@${address}`}`
  const what = [repository, object].filter((part) => part !== '').join(' ')
  const often = times > 1 ? ` (${times} times)` : ''
  return `${new Date(at).toISOString()}  ${result.padEnd(6)}  ${action.padEnd(16)}  ${who.padEnd(24)}  ${what}${often}\n`
}

/** Undefined stays undefined; NaN for what is neither a time nor an age. */
function timeOf(given: string | undefined, now: number): number | undefined {
  if (given === undefined) return undefined
  const [, count, unit] = /^([0-9]+)([mhd])$/.exec(given) ?? []
  if (unit !== undefined) return now - Number(count) * unitMs[unit]!
  return Date.parse(given)
}
