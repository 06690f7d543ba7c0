import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type Candidate,
  type Condemned,
  collectLink,
  condemnBlob,
  condemnedBlobs,
  countReferences,
  type DueCandidate,
  dueBlobs,
  dueLinks,
  forgetBlob,
  holdCondemned,
  postpone,
  type Reclaimable,
  reclaimableBlobs,
  settle,
  storesToClear,
} from '../database/gc-queue.ts'
import { removeEmptyImage } from '../database/images.ts'
import { blobKey } from './blob-store.ts'
import { createClockWatch } from './clock-watch.ts'
import type { ContentParts } from './content.ts'
import type { Digest } from './digest.ts'

export interface Collected {
  /** Candidates looked at. */
  reviewed: number
  /** Links removed from images. */
  links: number
  /** Contents removed from blob stores. */
  blobs: number
  /** Their bytes. */
  bytes: number
}

export interface CollectorOptions {
  /** Candidates looked at in one go. */
  batch?: number
  /** Milliseconds that pass evenly, whatever happens to the wall clock. */
  steady?: () => number
}

export type Collector = ReturnType<typeof createCollector>

/**
 * The garbage collector: always on, beside pushes and pulls, on every instance. Whatever may have become garbage waits in a queue for its
 * grace time; then it is looked at once more, and removed only after it was held against everybody else. Nothing is ever scanned.
 * How the parts keep each other from losing anything is told in docs/garbage-collection.md.
 */
export function createCollector(
  { db, stores, now, graceMs }: ContentParts,
  { batch = 500, steady = () => performance.now() }: CollectorOptions = {},
) {
  const clock = createClockWatch(now, steady, graceMs)

  /**
   * Sorts one batch: what is in use or gone leaves the queue, what is leased waits, the rest is for `collect`. A candidate that `collect` refuses
   * stays in the queue: its lease was renewed since it was read, and the next look sees that.
   */
  async function review(candidates: DueCandidate[], collect: (candidate: DueCandidate) => Promise<void>) {
    const isFree = ({ leaseUntil, inUse }: DueCandidate) => leaseUntil !== undefined && !inUse
    const done = candidates.filter((candidate) => !isFree(candidate))
    await removeEmptyImages(done.filter(({ inUse }) => !inUse))
    await db.relaxed((tx) => settle(tx, done))
    for (const candidate of candidates.filter(isFree)) {
      if (candidate.leaseUntil! >= now()) {
        await db.relaxed((tx) => postpone(tx, candidate, candidate.leaseUntil! + 1))
      } else {
        await collect(candidate)
      }
    }
  }

  async function reviewLinks(candidates: DueCandidate[], total: Collected): Promise<void> {
    await review(candidates, async (candidate) => {
      const collected = await db.transaction(async (tx) => {
        if (!(await collectLink(tx, candidate, now()))) return false
        await removeEmptyImage(tx, candidate.imageId)
        await settle(tx, [candidate])
        return true
      })
      if (collected) total.links++
    })
  }

  async function reviewBlobs(candidates: DueCandidate[]): Promise<void> {
    await review(candidates, (candidate) =>
      db.transaction(async (tx) => {
        if (await condemnBlob(tx, candidate, now())) await settle(tx, [candidate])
      }),
    )
  }

  /** Before the candidates are settled: they are all that remembers to look at the image. */
  async function removeEmptyImages(candidates: Candidate[]): Promise<void> {
    for (const imageId of new Set(candidates.map((candidate) => candidate.imageId))) {
      if (imageId > 0) await db.transaction((tx) => removeEmptyImage(tx, imageId))
    }
  }

  /** A store that cannot be reached keeps nobody from clearing the others; it is reported at the end. */
  async function clearStores(total: Collected, signal: AbortSignal | undefined): Promise<void> {
    const failures: unknown[] = []
    for (const store of await storesToClear(db.queries)) {
      try {
        await clearStore(store, total, signal)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  async function clearStore(store: string, total: Collected, signal: AbortSignal | undefined): Promise<void> {
    let last = ''
    for (;;) {
      const condemned = await condemnedBlobs(db.queries, store, last, batch)
      for (const blob of condemned) {
        if (signal?.aborted) return
        if (await removeBytes(blob)) {
          total.blobs++
          total.bytes += blob.size
        }
        last = blob.digest
      }
      if (condemned.length < batch) return
    }
  }

  /** After the decision is durable and before it is forgotten, and by one instance only: a crash in between only repeats the removal. */
  function removeBytes({ store, digest }: Condemned): Promise<boolean> {
    const { driver } = stores(store)
    return db.relaxed(async (tx) => {
      if (!(await holdCondemned(tx, store, digest))) return false
      await driver.remove(blobKey(digest as Digest))
      await forgetBlob(tx, store, digest)
      return true
    })
  }

  return {
    /** Works off everything that is due now. Removes nothing new for a grace time after the clock was set forward: leases are told by it. */
    async run(signal?: AbortSignal): Promise<Collected> {
      const total: Collected = { reviewed: 0, links: 0, blobs: 0, bytes: 0 }
      const trusted = clock.isTrusted()
      for (;;) {
        const links = trusted ? await dueLinks(db.queries, now(), batch) : []
        await reviewLinks(links, total)
        const blobs = trusted ? await dueBlobs(db.queries, now(), batch) : []
        await reviewBlobs(blobs)
        await clearStores(total, signal)
        total.reviewed += links.length + blobs.length
        if (signal?.aborted || (links.length === 0 && blobs.length === 0)) return total
        await nextTurn()
      }
    },

    /** What no manifest needs just now, largest first: what would go once its lease is over. Changes nothing. */
    async reclaimable(): Promise<{ blobs: Reclaimable[]; references: number }> {
      return { blobs: await reclaimableBlobs(db.queries), references: await countReferences(db.queries) }
    },
  }
}
