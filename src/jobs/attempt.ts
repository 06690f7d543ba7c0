import type { Database } from '../database/database.ts'
import { changeHeldJob, findJob, type JobRow } from '../database/jobs.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../telemetry/log.ts'
import { type JobLine, type JobWork, jobOf } from './job.ts'

/** One instance at work on one job. */
export interface Attempt {
  /** When it is over and written down. Never rejects. */
  ended: Promise<void>
  /** Writes down how far it is now, and looks whether it was cancelled. */
  beat(): void
  /** Stops, and lets others go on. */
  release(): void
}

export interface AttemptParts {
  db: Database
  log: Log
  now: () => number
  pollMs: number
  leaseMs: number
}

const mostLines = 100
const longestLine = 500

/** Does the work of a job that was just taken, and keeps its lease meanwhile. */
export function attempt({ db, log, now, pollMs, leaseMs }: AttemptParts, row: JobRow, work: JobWork): Attempt {
  const stop = new AbortController()
  const lines: JobLine[] = JSON.parse(row.log)
  let progress = row.progress
  let leaseUntil = row.lease_until
  let isChanged = false
  let isReleased = false
  let isCancelled = false
  let isLost = false
  let writing: Promise<void> = Promise.resolve()
  const fields = { job: Number(row.id), kind: row.kind, ...(row.object !== '' && { object: row.object }) }

  function say(text: string): void {
    lines.push({ at: now(), text: text.slice(0, longestLine) })
    lines.splice(0, lines.length - mostLines)
    isChanged = true
  }

  async function write(): Promise<void> {
    const current = await findJob(db.queries, row.id)
    isLost = !current || current.holder !== row.holder || current.attempts !== row.attempts
    isCancelled = current?.cancel_asked === 1
    if (isLost) stop.abort(new AppError('unavailable', 'another instance has taken the job'))
    else if (isCancelled) stop.abort(new AppError('unavailable', 'it was cancelled'))
    const isDue = leaseUntil - now() < (2 * leaseMs) / 3
    if (isLost || !(isChanged || isDue)) return
    isChanged = false
    const until = now() + leaseMs
    const changes = { progress, log: JSON.stringify(lines), lease_until: until }
    if (await db.relaxed((tx) => changeHeldJob(tx, row, changes))) leaseUntil = until
  }

  function beat(): void {
    writing = writing.then(write).catch((error: unknown) => {
      log.warn('a job cannot say that it lives', { ...fields, error })
      // Nobody knows whether it is still ours.
      if (now() > leaseUntil) stop.abort(new AppError('unavailable', 'the job is lost: the database does not answer'))
    })
  }

  async function run(): Promise<void> {
    const timer = setInterval(beat, pollMs)
    let error: unknown
    let isDone = false
    try {
      log.info('job begins', { ...fields, attempt: row.attempts })
      await work({
        job: jobOf(row),
        signal: stop.signal,
        say,
        progress(numbers) {
          progress = JSON.stringify(numbers)
          isChanged = true
        },
      })
      isDone = true
    } catch (thrown) {
      error = thrown
    }
    clearInterval(timer)
    await writing
    if (isLost) return
    const outcome = isDone ? done() : isCancelled ? cancelled() : isReleased ? released() : failed(error)
    await changeHeldJob(db.queries, row, { progress, log: JSON.stringify(lines), holder: null, ...outcome })
  }

  function done() {
    log.info('job done', fields)
    return { state: 'done', finished_at: now(), error: null } as const
  }

  function cancelled() {
    log.info('job cancelled', fields)
    return { state: 'cancelled', finished_at: now() } as const
  }

  function released() {
    return { state: 'waiting', lease_until: 0, attempts: row.attempts - 1 } as const
  }

  function failed(error: unknown) {
    const isKnown = error instanceof AppError
    if (isKnown) log.warn('job failed', { ...fields, reason: error.message })
    else log.error('job failed', { ...fields, error })
    const reason = isKnown ? error.message : 'internal error: the log of the server has more'
    say(reason)
    return { state: 'failed', finished_at: now(), error: reason } as const
  }

  // What cannot be written down is taken again when the lease is over.
  const ended = run().catch((error: unknown) =>
    log.error('the end of a job could not be written', { ...fields, error }),
  )
  return {
    ended,
    beat,
    release() {
      isReleased = true
      stop.abort(new AppError('unavailable', 'this instance is shutting down'))
    },
  }
}
