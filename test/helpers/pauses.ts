import type { Database } from '../../src/database/database.ts'
import type { StorageDriver } from '../../src/storage/driver.ts'

export type PausePoint =
  | `${'before' | 'after'} ${'commit' | 'remove' | 'transaction' | 'relaxed'}`
  /** All statements were made, nothing is committed. */
  | 'in transaction'

/** Points at which one instance can be held up while another one does something. */
export function createPauses() {
  const wanted = new Map<PausePoint, { reached: PromiseWithResolvers<void>; go: PromiseWithResolvers<void> }>()

  async function pass(point: PausePoint): Promise<void> {
    const pause = wanted.get(point)
    if (!pause) return
    wanted.delete(point)
    pause.reached.resolve()
    await pause.go.promise
  }

  return {
    pass,
    /** Whoever passes `point` next waits for `resume`. */
    at(point: PausePoint) {
      const pause = { reached: Promise.withResolvers<void>(), go: Promise.withResolvers<void>() }
      wanted.set(point, pause)
      return { reached: pause.reached.promise, resume: () => pause.go.resolve() }
    },
    // In front of the database rather than a copy of it, whose getters would stand still.
    // In front of the database rather than a copy of it, whose getters would stand still.
    database(db: Database): Database {
      const changed: Pick<Database, 'transaction' | 'relaxed'> = {
        async transaction(work) {
          await pass('before transaction')
          const result = await db.transaction(async (tx) => {
            const done = await work(tx)
            await pass('in transaction')
            return done
          })
          await pass('after transaction')
          return result
        },
        async relaxed(work) {
          await pass('before relaxed')
          const result = await db.relaxed(work)
          await pass('after relaxed')
          return result
        },
      }
      return Object.assign(Object.create(db) as Database, changed)
    },
    driver: (driver: StorageDriver): StorageDriver => ({
      ...driver,
      async commit(upload, key) {
        await pass('before commit')
        await driver.commit(upload, key)
        await pass('after commit')
      },
      async remove(key) {
        await pass('before remove')
        await driver.remove(key)
        await pass('after remove')
      },
    }),
  }
}

/**
 * Holds `first` up at `point`, starts `second`, lets `first` go on once `second` is done or evidently waits for it, and returns how both ended.
 */
export async function race<First, Second>(
  pauses: ReturnType<typeof createPauses>,
  point: PausePoint,
  first: () => Promise<First>,
  second: () => Promise<Second>,
): Promise<[PromiseSettledResult<First>, PromiseSettledResult<Second>]> {
  const pause = pauses.at(point)
  const one = first()
  await Promise.race([pause.reached, one.then(() => Promise.reject(new Error(`"${point}" was never reached`)))])
  const two = second()
  await Promise.race([two.catch(() => {}), new Promise((resolve) => setTimeout(resolve, 150))])
  pause.resume()
  return Promise.allSettled([one, two])
}
