import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { findUpload, holdUpload, releaseUpload } from '../database/uploads.ts'
import type { ContentParts } from './content.ts'

/** How long a request's hold on an upload outlives the last sign of life of the instance that serves it. */
const holdMs = 15_000
/** How long a request waits for another one on the same upload to end: a client retries before we notice that it is gone. */
const patienceMs = 20_000

/** Runs `work` while no other request touches the upload; `busy` when one still does after a while, `gone` when the upload is no more. */
export type Hold = <T>(upload: string, work: () => Promise<T>) => Promise<{ done: T } | 'busy' | 'gone'>

/**
 * One writer per upload. Within this process a list of who waits is enough; where other instances share the database, a lease in the
 * upload's row keeps them out too.
 */
export function createHolds(parts: ContentParts): Hold {
  const within = createLocalHold(async (upload) => (await findUpload(parts.db.queries, upload)) !== undefined)
  if (!parts.db.shared) return within
  const across = createSharedHold(parts)
  return async (upload, work) => {
    const outcome = await within(upload, () => across(upload, work))
    return typeof outcome === 'string' ? outcome : outcome.done
  }
}

function createLocalHold(stillThere: (upload: string) => Promise<boolean>): Hold {
  /** The last request in line for each upload, settled when it has ended. */
  const lines = new Map<string, Promise<unknown>>()
  return async (upload, work) => {
    const before = lines.get(upload)
    if (before) {
      if (!(await endsInTime(before))) return 'busy'
      if (!(await stillThere(upload))) return 'gone'
      if (lines.has(upload)) return 'busy'
    }
    const current = work()
    const settled = current.then(
      () => undefined,
      () => undefined,
    )
    lines.set(upload, settled)
    try {
      return { done: await current }
    } finally {
      if (lines.get(upload) === settled) lines.delete(upload)
    }
  }
}

async function endsInTime(request: Promise<unknown>): Promise<boolean> {
  const limit = new AbortController()
  const late = sleep(patienceMs, 'late', { signal: limit.signal }).catch(() => 'late')
  const first = await Promise.race([request, late])
  limit.abort()
  return first !== 'late'
}

function createSharedHold({ db, now }: ContentParts): Hold {
  return async (upload, work) => {
    const holder = randomUUID()
    const hold = () => db.relaxed((tx) => holdUpload(tx, upload, holder, now(), now() + holdMs))
    const giveUp = performance.now() + patienceMs
    while (!(await hold())) {
      if (!(await findUpload(db.queries, upload))) return 'gone'
      if (performance.now() > giveUp) return 'busy'
      await sleep(100)
    }
    // A sign of life that fails is followed by another one; when they all do, the hold runs out, which is what it is for.
    const signOfLife = setInterval(() => void hold().catch(() => undefined), holdMs / 3)
    try {
      return { done: await work() }
    } finally {
      clearInterval(signOfLife)
      await db.relaxed((tx) => releaseUpload(tx, upload, holder, now()))
    }
  }
}
