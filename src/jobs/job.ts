import type { JobRow } from '../database/jobs.ts'
import type { Actor } from '../events/event.ts'

/** Work in the background, as it is now. Times are milliseconds since 1970. */
export interface Job {
  id: number
  kind: string
  /** What it is about: the name of a repository; else empty. */
  object: string
  state: JobRow['state']
  parameters: Readonly<Record<string, unknown>>
  /** Numbers in the words of the kind; empty before there are any. */
  progress: Readonly<Record<string, number>>
  /** The last hundred lines. */
  log: readonly JobLine[]
  /** Why it failed. */
  error: string | undefined
  by: Pick<Actor, 'kind' | 'name'>
  createdAt: number
  startedAt: number | undefined
  finishedAt: number | undefined
  attempts: number
  /** It was asked to stop, and has not yet. */
  cancelling: boolean
}

export interface JobLine {
  at: number
  text: string
}

/** What a kind of job does. Called again after a crash, perhaps by another instance: it goes on where it was, or begins anew. */
export type JobWork = (run: JobRun) => Promise<void>

/** One attempt at a job. */
export interface JobRun {
  job: Job
  /** Aborted when it is cancelled, when this process ends, and when another instance has taken the job: stop then, and throw whatever you like. */
  signal: AbortSignal
  /** How far it is. */
  progress(numbers: Readonly<Record<string, number>>): void
  /** A line for people. */
  say(text: string): void
}

/** PostgreSQL gives 64-bit integers as texts. */
export function jobOf(row: JobRow): Job {
  const time = (value: number | null) => (value === null ? undefined : Number(value))
  const isOpen = row.finished_at === null
  return {
    id: Number(row.id),
    kind: row.kind,
    object: row.object,
    state: row.state,
    parameters: JSON.parse(row.parameters),
    progress: row.progress === null ? {} : JSON.parse(row.progress),
    log: JSON.parse(row.log),
    error: row.error ?? undefined,
    by: { kind: row.actor_kind, name: row.actor },
    createdAt: Number(row.created_at),
    startedAt: time(row.started_at),
    finishedAt: time(row.finished_at),
    attempts: row.attempts,
    cancelling: isOpen && row.cancel_asked === 1,
  }
}
