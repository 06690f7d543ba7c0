import { afterEach, beforeEach, expect, test } from 'bun:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import type { Database } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { createLog } from '../telemetry/log.ts'
import type { Job, JobWork } from './job.ts'
import { createJobs, type Jobs } from './jobs.ts'

const by = { kind: 'user', name: 'ada' } as const

async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (let round = 0; round < 1000; round++) {
    if (await isSo()) return
    await sleep(5)
  }
  throw new Error(`${what} did not happen`)
}

/** Until it is told to stop, as work does. */
const untilStopped: JobWork = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

describeOnEachDatabase('jobs', (openDatabase) => {
  let database: TestDatabase
  let opened: Jobs[] = []
  let errors: string[] = []
  const clock = { at: 1_000_000 }

  /** One instance of several. */
  function instance(
    work: Record<string, JobWork>,
    { db = database.db, lag = () => 0 }: { db?: Database; lag?: () => number } = {},
  ) {
    const log = createLog({ level: 'error', stream: { write: (line) => void errors.push(line) } })
    const jobs = createJobs({ db, log, now: () => clock.at - lag(), work, pollMs: 5, leaseMs: 30_000 })
    opened.push(jobs)
    jobs.begin()
    return jobs
  }
  const stateOf = async (jobs: Jobs, { id }: Pick<Job, 'id'>) => (await jobs.find(id))?.state

  beforeEach(async () => {
    database = await openDatabase()
    opened = []
    errors = []
  })
  afterEach(async () => {
    for (const jobs of opened) await jobs.close()
    await database.close()
    expect(errors).toEqual([])
  })

  test('one is done, and tells how far it came', async () => {
    const jobs = instance({
      count: async ({ job, progress, say }) => {
        progress({ counted: Number(job.parameters['to']) })
        say('counted')
      },
    })
    const { job, isNew } = await jobs.start({ kind: 'count', object: 'x', parameters: { to: 3 }, by })
    expect([isNew, job.state]).toEqual([true, 'waiting'])
    await until('the end', async () => (await stateOf(jobs, job)) === 'done')
    expect(await jobs.find(job.id)).toMatchObject({
      progress: { counted: 3 },
      log: [{ text: 'counted' }],
      by,
      attempts: 1,
      startedAt: clock.at,
      finishedAt: clock.at,
    })
    expect(await jobs.list({ kind: 'count' }, { limit: 5 })).toHaveLength(1)
    expect(await jobs.list({ state: 'failed' }, { limit: 5 })).toHaveLength(0)
  })

  test('the same is not done twice at once, by whichever instance it is asked for', async () => {
    const one = instance({ wait: untilStopped })
    const other = instance({ wait: untilStopped }, { db: await database.again() })
    const started = await Promise.all(
      Array.from({ length: 10 }, (_, index) => (index % 2 ? one : other).start({ kind: 'wait', object: 'x', by })),
    )
    expect(new Set(started.map(({ job }) => job.id)).size).toBe(1)
    expect(started.filter(({ isNew }) => isNew)).toHaveLength(1)
    expect((await other.start({ kind: 'wait', object: 'y', by })).isNew).toBe(true)
  })

  test('each is taken by one instance alone', async () => {
    const done: number[] = []
    const work = { note: async ({ job }: { job: Job }) => void done.push(job.id) }
    const one = instance(work)
    instance(work, { db: await database.again() })
    const started = await Promise.all(
      Array.from({ length: 20 }, (_, n) => one.start({ kind: 'note', object: `${n}`, by })),
    )
    await until('all', async () => (await one.list({ state: 'done' }, { limit: 50 })).length === 20)
    expect(done.sort((a, b) => a - b)).toEqual(started.map(({ job }) => job.id).sort((a, b) => a - b))
  })

  test('of an instance that died it is taken by another one, which goes on; what the dead one says afterwards does not count', async () => {
    let isAlive = true
    let late: ((text: string) => void) | undefined
    let finish = () => {}
    const dead = database.db
    // It neither hears nor says anything any more, as a process that hangs.
    const silent: Database = Object.create(dead, {
      relaxed: { value: (run: never) => (isAlive ? dead.relaxed(run) : new Promise(() => {})) },
      queries: { get: () => dead.queries },
    })
    const gone = instance(
      {
        copy: ({ progress, say }) => {
          progress({ copied: 1 })
          late = say
          return new Promise((resolve) => {
            finish = resolve
          })
        },
      },
      { db: silent, lag: () => (isAlive ? 0 : clock.at - 1_000_000) },
    )
    const { job } = await gone.start({ kind: 'copy', object: 'x', by })
    await until('the first part', async () => (await gone.find(job.id))?.progress['copied'] === 1)
    isAlive = false
    const heir = instance(
      {
        copy: async ({ job: again, progress }) => {
          expect(again.progress).toEqual({ copied: 1 })
          progress({ copied: 2 })
        },
      },
      { db: await database.again() },
    )
    await sleep(50)
    expect(await stateOf(heir, job)).toBe('running')
    clock.at += 31_000
    await until('the end', async () => (await stateOf(heir, job)) === 'done')
    isAlive = true
    late?.('too late')
    finish()
    await sleep(50)
    expect(await heir.find(job.id)).toMatchObject({ state: 'done', progress: { copied: 2 }, attempts: 2, log: [] })
  })

  test('one that waits or runs can be cancelled, and begun again', async () => {
    const waiting = createJobs({ db: database.db, log: createLog({ level: 'error' }), now: () => clock.at, work: {} })
    const { job } = await waiting.start({ kind: 'wait', by })
    expect(await waiting.cancel(job.id)).toBe(true)
    expect(await stateOf(waiting, job)).toBe('cancelled')
    expect(await waiting.cancel(job.id)).toBe(false)
    expect(await waiting.retry(job.id)).toBe(true)

    const other = instance({ wait: untilStopped })
    await until('the start', async () => (await stateOf(other, job)) === 'running')
    // Asked of an instance that does not run it.
    expect(await waiting.cancel(job.id)).toBe(true)
    await until('the end', async () => (await stateOf(other, job)) === 'cancelled')
    await other.start({ kind: 'wait', by })
    expect(other.retry(job.id)).rejects.toMatchObject({ code: 'request-invalid' })
  })

  test('one that fails says why, and can be tried again', async () => {
    let isBroken = true
    const jobs = instance({
      try: async () => {
        if (isBroken) throw new AppError('unavailable', 'the disk is full: make room')
      },
    })
    const { job } = await jobs.start({ kind: 'try', by })
    await until('the failure', async () => (await stateOf(jobs, job)) === 'failed')
    expect(await jobs.find(job.id)).toMatchObject({ error: 'the disk is full: make room' })
    isBroken = false
    expect(await jobs.retry(job.id)).toBe(true)
    await until('the end', async () => (await stateOf(jobs, job)) === 'done')
    expect((await jobs.find(job.id))?.error).toBeUndefined()
    expect(await jobs.retry(job.id)).toBe(false)
  })

  test('an instance that ends lets go of its jobs, for the next one', async () => {
    const first = instance({ wait: untilStopped })
    const { job } = await first.start({ kind: 'wait', by })
    await until('the start', async () => (await stateOf(first, job)) === 'running')
    await first.close()
    expect(await first.find(job.id)).toMatchObject({ state: 'waiting', attempts: 0 })
    const next = instance({ wait: async () => {} })
    await until('the end', async () => (await stateOf(next, job)) === 'done')
  })

  test('one that takes its instance down each time is given up', async () => {
    const jobs = createJobs({ db: database.db, log: createLog({ level: 'error' }), now: () => clock.at, work: {} })
    const { job } = await jobs.start({ kind: 'deadly', by })
    await database.db.queries.updateTable('jobs').set({ attempts: 10, holder: 'gone' }).execute()
    instance({ deadly: async () => {} })
    await until('the end', async () => (await stateOf(jobs, job)) === 'failed')
    expect((await jobs.find(job.id))?.error).toContain('10 times')
  })
})
