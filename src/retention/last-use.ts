import type { Database } from '../database/database.ts'
import { noteUses } from '../database/manifest-uses.ts'

/** A manifest's use is written down at most this often. */
export const coarseMs = 600_000

/** Beyond so many manifests in ten minutes some are written down more than once. */
const capacity = 200_000

/** Manifests per transaction: other writers get in between. */
const batch = 500

/** Remembers which cached manifests were used. In memory until `flush`: a pull writes nothing, and a crash forgets some minutes. */
export type LastUse = ReturnType<typeof createLastUse>

export function createLastUse(db: Database, now: () => number) {
  const noted = new Set<number>()
  let notedSince = now()
  let waiting: number[] = []

  /** Writes down what was used since the last time. */
  async function flush(): Promise<void> {
    const ids = waiting
    waiting = []
    try {
      while (ids.length > 0) {
        const some = ids.slice(0, batch)
        await db.relaxed((tx) => noteUses(tx, some, now()))
        ids.splice(0, batch)
      }
    } finally {
      waiting.push(...ids)
      if (Math.abs(now() - notedSince) >= coarseMs || noted.size > capacity) {
        noted.clear()
        notedSince = now()
      }
    }
  }

  return {
    /** A manifest was pulled, or asked whether it is there. */
    note(manifestId: number): void {
      if (noted.has(manifestId)) return
      noted.add(manifestId)
      waiting.push(manifestId)
    },
    flush,
    /** The last chance; what cannot be written now is forgotten. */
    close: () => flush().catch(() => undefined),
  }
}
