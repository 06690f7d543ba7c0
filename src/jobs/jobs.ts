import { randomUUID } from 'node:crypto'
import type { Database } from '../database/database.ts'
import {
  askToCancel,
  changeHeldJob,
  claimableJobs,
  findJob,
  findUnfinishedJob,
  forgetJobs,
  insertJob,
  type JobFilter,
  type JobRow,
  listJobs,
  renewJob,
} from '../database/jobs.ts'
import { AppError } from '../errors.ts'
import type { Actor } from '../events/event.ts'
import type { Log } from '../telemetry/log.ts'
import { type Attempt, attempt } from './attempt.ts'
import { type Job, type JobWork, jobOf } from './job.ts'

export interface JobsOptions {
  db: Database
  log: Log
  /** Milliseconds since 1970. */
  now: () => number
  /** What each kind of job does. Jobs of other kinds wait for an instance that knows them. */
  work: Readonly<Record<string, JobWork>>
  /** How often an instance looks for something to do, and how often a running job says how far it is. Milliseconds. */
  pollMs?: number
  /** Without a sign of life for so long, a job is another instance's. Milliseconds. */
  leaseMs?: number
}

/** The jobs of an installation, shared by all its instances. */
export interface Jobs {
  /** Adds a job, or finds the one of this kind for this object that is not finished: nobody does the same twice at once. */
  start(wanted: {
    kind: string
    object?: string
    parameters?: Readonly<Record<string, unknown>>
    by: Pick<Actor, 'kind' | 'name'>
  }): Promise<{ job: Job; isNew: boolean }>
  find(id: number): Promise<Job | undefined>
  /** The newest first. */
  list(filter: JobFilter, page: { before?: number | undefined; limit: number }): Promise<Job[]>
  /** False: it is finished, or there is none. A running one stops within seconds. */
  cancel(id: number): Promise<boolean>
  /** Lets one that failed or was cancelled begin again. False: there is none that did. Throws `request-invalid` when another one has taken its place. */
  retry(id: number): Promise<boolean>
  /** Takes jobs from now on. */
  begin(): void
  /** Lets go of what runs, for other instances or the next start to go on with. */
  close(): Promise<void>
}

/** At once in one instance: jobs read and write a lot. */
const mostAtOnce = 2
/** A job that takes its process down each time is not tried for ever. */
const mostAttempts = 10
const keptMs = 30 * 86_400_000

/** Jobs in the database. Each is held by one instance, with a lease; when that runs out, because the instance died, any other goes on with it. */
export function createJobs({ db, log, now, work, pollMs = 1000, leaseMs = 30_000 }: JobsOptions): Jobs {
  const instance = randomUUID()
  const running = new Map<number, { attempt: Attempt; ended: Promise<void> }>()
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> = Promise.resolve()
  let isClosed = false

  async function look(): Promise<void> {
    const free = mostAtOnce - running.size
    if (isClosed || free <= 0) return
    for (const row of await claimableJobs(db.queries, now(), 20)) {
      if (running.size >= mostAtOnce || isClosed) return
      const known = Object.hasOwn(work, row.kind) ? work[row.kind] : undefined
      if (known && !running.has(Number(row.id))) await take(row, known)
    }
  }

  async function take(row: JobRow, known: JobWork): Promise<void> {
    if (row.attempts >= mostAttempts || row.cancel_asked === 1) {
      const failed = { state: 'failed', error: `it was begun ${row.attempts} times, and never ended` } as const
      await changeHeldJob(db.queries, row, {
        ...(row.cancel_asked === 1 ? { state: 'cancelled' } : failed),
        finished_at: now(),
        holder: null,
      })
      return
    }
    const mine = {
      state: 'running',
      holder: instance,
      attempts: row.attempts + 1,
      started_at: row.started_at ?? now(),
      lease_until: now() + leaseMs,
    } as const
    if (!(await changeHeldJob(db.queries, row, mine))) return
    if (row.holder !== null) log.warn('a job is taken over from an instance that gave no sign of life', fieldsOf(row))
    const begun = attempt({ db, log, now, pollMs, leaseMs }, { ...row, ...mine }, known)
    const ended = begun.ended.finally(() => {
      running.delete(Number(row.id))
      wake()
    })
    running.set(Number(row.id), { attempt: begun, ended })
  }

  /** One look after the other. */
  function wake(): void {
    if (!timer || isClosed) return
    looking = looking.then(look).catch((error: unknown) => log.error('jobs cannot be looked for', { error }))
  }

  return {
    async start({ kind, object = '', parameters = {}, by }) {
      const row = {
        kind,
        object,
        state: 'waiting',
        parameters: JSON.stringify(parameters),
        log: '[]',
        actor_kind: by.kind,
        actor: by.name,
        created_at: now(),
        attempts: 0,
        lease_until: 0,
        cancel_asked: 0,
      } as const
      for (;;) {
        const added = await db.transaction((tx) => insertJob(tx, row))
        const found = added === undefined ? await findUnfinishedJob(db.queries, kind, object) : undefined
        if (added !== undefined) wake()
        const job = found ?? (added === undefined ? undefined : await findJob(db.queries, added))
        // It ended in between: then there is room for this one.
        if (job) return { job: jobOf(job), isNew: found === undefined }
      }
    },
    async find(id) {
      const row = await findJob(db.queries, id)
      return row && jobOf(row)
    },
    list: async (filter, page) => (await listJobs(db.queries, filter, page)).map(jobOf),
    async cancel(id) {
      const isAsked = await db.transaction((tx) => askToCancel(tx, id, now()))
      if (isAsked) running.get(id)?.attempt.beat()
      return isAsked
    },
    async retry(id) {
      const isRenewed = await db.transaction(async (tx) => {
        const row = await findJob(tx, id)
        const other = row && (await findUnfinishedJob(tx, row.kind, row.object))
        if (other && Number(other.id) !== id)
          throw new AppError('request-invalid', `job ${other.id} does the same already: wait for it, or cancel it`)
        return renewJob(tx, id)
      })
      if (isRenewed) wake()
      return isRenewed
    },
    begin() {
      let ticks = 0
      timer ??= setInterval(() => {
        wake()
        // Once an hour or so.
        if (ticks++ % 3600 === 0) void forgetJobs(db.queries, now() - keptMs).catch(() => undefined)
      }, pollMs)
      wake()
    },
    async close() {
      isClosed = true
      clearInterval(timer)
      await looking
      for (const { attempt: one } of running.values()) one.release()
      await Promise.all([...running.values()].map(({ ended }) => ended))
    },
  }
}

function fieldsOf({ id, kind, object }: JobRow) {
  return { job: Number(id), kind, ...(object !== '' && { object }) }
}
