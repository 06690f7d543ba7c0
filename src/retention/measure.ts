import { setImmediate as nextTurn } from 'node:timers/promises'
import { prepareCountContent } from '../database/cached-content.ts'
import type { Database } from '../database/database.ts'
import type { Cache } from './evict.ts'

/** Blobs that are looked at in one go: SQLite answers them in milliseconds, during which nothing else happens. */
const page = { sqlite: 500, postgres: 2000 }

/**
 * Adds up the bytes of the blobs that the manifests of a cache need and no other repository has: what evicting all of it would free. Looks at every blob of
 * the store, a page at a time. Undefined: told to stop.
 */
export function createMeasure(db: Database) {
  const count = prepareCountContent(db)
  const limit = page[db.kind]

  return async ({ id, store }: Cache, keepGoing: () => Promise<boolean>): Promise<number | undefined> => {
    let total = 0
    for (let last = ''; ; ) {
      if (!(await keepGoing())) return undefined
      const found = await count(id, store, last, limit)
      total += found.bytes
      if (found.isEnd) return total
      last = found.last
      await nextTurn()
    }
  }
}
