import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from '../database/database.ts'
import { bringBackUses, noteOwnUses, withoutUse } from '../database/manifest-uses.ts'

/** Manifests that are looked at in one go, and uses that are written in one transaction. */
const page = 500

/** Gives manifests of these repositories that nobody has kept count of a first use. False: told to stop. Looks at every manifest there is. */
export async function adoptManifests(
  db: Database,
  repositoryIds: number[],
  now: number,
  keepGoing: () => Promise<boolean>,
): Promise<boolean> {
  let after = { imageId: 0, digest: '' }
  while (await keepGoing()) {
    const { ids, last } = await withoutUse(db.queries, repositoryIds, after, page)
    if (ids.length > 0) await db.relaxed((tx) => noteOwnUses(tx, ids, now))
    if (!last) return true
    after = last
    await nextTurn()
  }
  return false
}

/** Uses that seem to lie ahead, since the clock was set back: they count as used at `latest`, or they would never end. */
export async function bringUsesBack(db: Database, repositoryId: number, latest: number): Promise<void> {
  while ((await db.relaxed((tx) => bringBackUses(tx, repositoryId, latest, page))) > 0) await nextTurn()
}
