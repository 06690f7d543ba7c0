import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  collectLink,
  condemnBlob,
  condemnedBlobs,
  countReferences,
  type DueCandidate,
  dueBlobs,
  dueLinks,
  forgetBlob,
  postpone,
  type Reclaimable,
  reclaimableBlobs,
  settle,
} from '../database/gc-queue.ts'
import { blobKey } from './blob-store.ts'
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

export type Collector = ReturnType<typeof createCollector>

/**
 * The garbage collector: always on, beside pushes and pulls, on every instance. Whatever may have become garbage waits in a queue for its
 * grace time; then it is looked at once more, and removed only by statements that repeat the whole condition. Nothing is ever scanned.
 * How the parts keep each other from losing anything is told in docs/garbage-collection.md.
 */
export function createCollector({ db, stores, now }: ContentParts, { batch = 500 } = {}) {
  /** Sorts one batch: what is in use or gone leaves the queue, what is leased waits, the rest is for `collect`. */
  async function review(
    candidates: DueCandidate[],
    collect: (candidate: DueCandidate) => Promise<unknown>,
  ): Promise<void> {
    const isFree = ({ leaseUntil, inUse }: DueCandidate) => leaseUntil !== undefined && !inUse
    const done = candidates.filter((candidate) => !isFree(candidate))
    await db.relaxed((tx) => settle(tx, done))
    for (const candidate of candidates.filter(isFree)) {
      if (candidate.leaseUntil! >= now()) {
        await db.relaxed((tx) => postpone(tx, candidate, candidate.leaseUntil! + 1))
      } else {
        await collect(candidate)
      }
    }
  }

  /** Bytes are removed after the decision is durable and before it is forgotten: a crash in between only repeats the removal. */
  async function removeCondemned(total: Collected): Promise<void> {
    for (;;) {
      const condemned = await condemnedBlobs(db.queries, batch)
      if (condemned.length === 0) return
      for (const { store, digest, size } of condemned) {
        await stores(store).driver.remove(blobKey(digest as Digest))
        await forgetBlob(db.queries, store, digest)
        total.blobs++
        total.bytes += size
      }
    }
  }

  return {
    /** Works off everything that is due now. */
    async run(signal?: AbortSignal): Promise<Collected> {
      const total: Collected = { reviewed: 0, links: 0, blobs: 0, bytes: 0 }
      for (;;) {
        const links = await dueLinks(db.queries, now(), batch)
        await review(links, (candidate) =>
          db.transaction(async (tx) => {
            if (await collectLink(tx, candidate, now())) total.links++
            await settle(tx, [candidate])
          }),
        )
        const blobs = await dueBlobs(db.queries, now(), batch)
        await review(blobs, (candidate) =>
          db.transaction(async (tx) => {
            await condemnBlob(tx, candidate, now())
            await settle(tx, [candidate])
          }),
        )
        await removeCondemned(total)
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
