import type { Database } from '../database/database.ts'
import { noteUses } from '../database/manifest-uses.ts'

/** A manifest's use is written down about this often at most. */
export const coarseMs = 600_000

/** No more manifests are remembered at once. */
const capacity = 200_000

/** Manifests per transaction: other writers get in between. */
const batch = 500

/** Remembers which cached manifests were used. In memory until `flush`: a pull writes nothing, and a crash forgets some minutes. */
export type LastUse = ReturnType<typeof createLastUse>

export function createLastUse(db: Database, now: () => number) {
  const noted = new Set<number>()
  let notedSince = now()
  let waiting: number[] = []
  /** Of those that wait, when the last one was used. */
  let usedAt = now()

  /** Writes down what was used since the last time. */
  async function flush(): Promise<void> {
    const ids = waiting
    const until = usedAt
    waiting = []
    if (Math.abs(now() - notedSince) >= coarseMs || noted.size > capacity) {
      noted.clear()
      for (const id of ids) noted.add(id)
      notedSince = now()
    }
    try {
      while (ids.length > 0) {
        const some = ids.slice(0, batch)
        await db.relaxed((tx) => noteUses(tx, some, until))
        ids.splice(0, batch)
      }
    } finally {
      waiting = ids.concat(waiting)
    }
  }

  return {
    /** A manifest was pulled, or asked whether it is there. */
    note(manifestId: number): void {
      if (noted.has(manifestId) || waiting.length > capacity) return
      noted.add(manifestId)
      waiting.push(manifestId)
      usedAt = now()
    },
    flush,
    /** The last chance; what cannot be written now is forgotten. */
    close: () => flush().catch(() => undefined),
  }
}
