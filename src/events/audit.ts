import { insertAuditEvents, type NewAuditRow, removeAuditEvents } from '../database/audit.ts'
import type { Database } from '../database/database.ts'
import type { Log } from '../telemetry/log.ts'
import type { AppEvent, Tell } from './event.ts'

export interface AuditOptions {
  db: Database
  log: Log
  /** Milliseconds since 1970. */
  now: () => number
  /** Sends each event on as well: to syslog. */
  forward?: ((row: NewAuditRow) => void) | undefined
  /** How long events wait to be written together, in milliseconds; what a crash can lose. */
  delayMs?: number
}

export interface Audit {
  tell: Tell
  /** Writes what waits; resolves when it is in the database. */
  flush(): Promise<void>
  /** Removes events older than `ageMs`, in bounded steps. Resolves to how many. */
  prune(ageMs: number, signal?: AbortSignal): Promise<number>
  close(): Promise<void>
}

/** More than this many wait only when the database is gone. Then the newest are dropped, and how many is logged. */
const mostWaiting = 20_000
/** Longest texts that are kept: nobody fills the disk with one request. */
const longest = 500
const pruneStep = 1000

/**
 * Writes events to the table `audit_events`, those of a quarter of a second together and off the path of whoever caused them. The same denial again within one
 * such time is counted in one row: somebody who guesses passwords makes no more rows than four a second for each name and address.
 */
export function createAudit({ db, log, now, forward, delayMs = 250 }: AuditOptions): Audit {
  let waiting: NewAuditRow[] = []
  const denials = new Map<string, NewAuditRow>()
  let dropped = 0
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  function tell(event: AppEvent): void {
    if (waiting.length >= mostWaiting) {
      dropped += 1
      return
    }
    const row = rowOf(event, now())
    if (event.result === 'denied') {
      const key = JSON.stringify([row.actor_kind, row.actor, row.address, row.action, row.repository, row.object])
      const known = denials.get(key)
      if (known) {
        known.times += 1
        return
      }
      denials.set(key, row)
    }
    waiting.push(row)
    timer ??= setTimeout(() => void flush(), delayMs)
  }

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(write)
    return writing
  }

  async function write(): Promise<void> {
    if (waiting.length === 0) return
    const rows = waiting
    waiting = []
    denials.clear()
    for (const row of rows) forward?.(row)
    try {
      await db.transaction((tx) => insertAuditEvents(tx, rows))
      if (dropped > 0) log.error('the audit log lacks events that could not be written in time', { events: dropped })
      dropped = 0
    } catch (error) {
      log.error('the audit log could not be written; it is tried again', { error, events: rows.length })
      waiting = [...rows, ...waiting]
      timer ??= setTimeout(() => void flush(), 10 * delayMs)
      timer.unref()
    }
  }

  return {
    tell,
    flush,
    async prune(ageMs, signal) {
      const before = now() - ageMs
      for (let total = 0; ; ) {
        const removed = await db.transaction((tx) => removeAuditEvents(tx, before, pruneStep))
        total += removed
        if (removed < pruneStep || signal?.aborted) return total
      }
    },
    async close() {
      await flush()
      clearTimeout(timer)
      if (waiting.length > 0) log.error('events are missing from the audit log', { events: waiting.length })
    },
  }
}

function rowOf({ action, result, actor, repository, object, requestId, detail }: AppEvent, at: number): NewAuditRow {
  return {
    at,
    action,
    result,
    actor_kind: actor.kind,
    actor: cut(actor.name),
    address: cut(actor.address),
    repository: cut(repository),
    object: cut(object),
    request_id: cut(requestId),
    times: 1,
    detail: detail === undefined ? null : JSON.stringify(detail).slice(0, 4 * longest),
  }
}

function cut(text = ''): string {
  // PostgreSQL keeps no NUL in a text.
  return text.slice(0, longest).replaceAll('\0', '')
}
