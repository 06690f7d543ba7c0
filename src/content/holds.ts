import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { findUpload, holdUpload, keepUpload, type UploadRow } from '../database/uploads.ts'
import { AppError } from '../errors.ts'
import type { ContentParts } from './content.ts'

/** How long a request's hold on an upload outlives the last sign of life of the instance that serves it. */
const holdMs = 15_000
/** How long a request waits for another one on the same upload to end: a client retries before we notice that it is gone. */
const usualPatienceMs = 20_000

/** What a request has of an upload that it holds. */
export interface Claim {
  /** Names the request in the upload's row; null where no other instance reads that. */
  holder: string | null
  /** Names the request before this one. */
  writer: string | null
  /** Makes sure of the hold when the last sign of life is a while ago. Throws `unavailable` when it was lost: another request may have changed the bytes. */
  keep(): Promise<void>
}

/** Runs `work` while no other request touches the upload; `busy` when one still does after a while, `gone` when the upload is no more. */
type Hold = <T>(upload: string, work: (claim: Claim) => Promise<T>) => Promise<{ done: T } | 'busy' | 'gone'>

export interface Holds {
  hold: Hold
  /** Whether a request to this instance has the upload just now. */
  isHeldHere(upload: string): boolean
}

/**
 * One writer per upload. Within this process a list of who waits is enough; where other instances share the database, a lease in the
 * upload's row keeps them out too.
 */
export function createHolds(parts: ContentParts, { patienceMs = usualPatienceMs } = {}): Holds {
  const within = createLocalHold(
    async (upload) => (await findUpload(parts.db.queries, upload)) !== undefined,
    patienceMs,
  )
  if (!parts.db.shared) return within
  const across = createSharedHold(parts, patienceMs)
  return {
    ...within,
    async hold(upload, work) {
      const outcome = await within.hold(upload, () => across(upload, work))
      return typeof outcome === 'string' ? outcome : outcome.done
    },
  }
}

function createLocalHold(stillThere: (upload: string) => Promise<boolean>, patienceMs: number): Holds {
  /** The last request in line for each upload, settled when it has ended. */
  const lines = new Map<string, Promise<unknown>>()
  const alone: Claim = { holder: null, writer: null, keep: async () => {} }

  async function hold<T>(upload: string, work: (claim: Claim) => Promise<T>): Promise<{ done: T } | 'busy' | 'gone'> {
    const before = lines.get(upload)
    if (before) {
      if (!(await endsInTime(before, patienceMs))) return 'busy'
      if (!(await stillThere(upload))) return 'gone'
      if (lines.has(upload)) return 'busy'
    }
    const current = work(alone)
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

  return { hold, isHeldHere: (upload) => lines.has(upload) }
}

async function endsInTime(request: Promise<unknown>, patienceMs: number): Promise<boolean> {
  const limit = new AbortController()
  const late = sleep(patienceMs, 'late', { signal: limit.signal }).catch(() => 'late')
  const first = await Promise.race([request, late])
  limit.abort()
  return first !== 'late'
}

function createSharedHold({ db, now }: ContentParts, patienceMs: number): Hold {
  async function take(row: UploadRow, holder: string): Promise<boolean> {
    if (row.held_until >= now()) return false
    return db.relaxed((tx) => holdUpload(tx, row, holder, now(), now() + holdMs))
  }

  return async (upload, work) => {
    const holder = randomUUID()
    const giveUp = performance.now() + patienceMs
    let row = await findUpload(db.queries, upload)
    while (row && !(await take(row, holder))) {
      if (performance.now() > giveUp) return 'busy'
      await sleep(100)
      row = await findUpload(db.queries, upload)
    }
    if (!row) return 'gone'

    let sureUntil = performance.now() + holdMs / 2
    const extend = async (until: number) => {
      const asked = performance.now()
      const kept = await db.relaxed((tx) => keepUpload(tx, upload, holder, now(), until))
      sureUntil = kept ? asked + holdMs / 2 : Number.NEGATIVE_INFINITY
      return kept
    }
    const keep = async () => {
      if (performance.now() <= sureUntil || (await extend(now() + holdMs))) return
      throw new AppError('unavailable', 'this request took so long that another one got the upload: try again')
    }
    // A sign of life that fails is followed by another one; when they all do, the hold runs out, which is what it is for.
    const signOfLife = setInterval(() => void extend(now() + holdMs).catch(() => undefined), holdMs / 3)
    try {
      return { done: await work({ holder, writer: row.holder, keep }) }
    } finally {
      clearInterval(signOfLife)
      // What the work ended with is what counts. A hold that cannot be given back runs out.
      await extend(0).catch(() => undefined)
    }
  }
}
