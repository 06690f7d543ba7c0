import { createClockWatch } from '../content/clock-watch.ts'
import type { ContentParts } from '../content/content.ts'
import { recall, remember } from '../database/facts.ts'
import { takeStatistics } from '../database/statistics.ts'
import { keepTurn, longestTurnMs, takeTurn } from '../database/turns.ts'
import type { Repositories } from '../repositories/repositories.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { adoptManifests, bringUsesBack } from './adopt.ts'
import type { Cache, Evicted } from './evict.ts'
import { evictByAge } from './evict-by-age.ts'
import { evictBySize } from './evict-by-size.ts'
import { coarseMs, type LastUse } from './last-use.ts'
import { createMeasure } from './measure.ts'

/** What was used within this time stays, whatever the settings: an instance may not have written it down yet, and a pull takes a while. */
const usedLatelyMs = coarseMs + 300_000

/** After one instance has looked at the caches, the others leave them alone for so long. */
const restMs = 240_000

/** A cache that may have any size is measured for the metrics alone. */
const measureEveryMs = 3_600_000

/** A store so large that measuring takes minutes is measured less often: for at most a fiftieth of the time. */
const restsPerMeasure = 50

/** When the clock was set forward, everything seems unused for long: by age nothing goes for so long, in which somebody may set it right. */
const distrustMs = 24 * 3_600_000

const turn = 'care of proxy caches'

export interface ProxyCacheParts extends ContentParts {
  repositories: Pick<Repositories, 'all'>
  lastUse: LastUse
  log: Log
  metrics: Pick<Metrics, 'cacheMeasured' | 'cacheEvicted'>
  /** Milliseconds that pass evenly, whatever happens to the wall clock. */
  steady: () => number
}

/** Whether the clock may decide what was not used for long, and what was used a moment ago. */
interface Trusted {
  forAge: boolean
  forSize: boolean
}

/** The life of what proxy repositories have cached: evicted when it was not used for long, or when there is too much of it. */
export function createProxyCaches(parts: ProxyCacheParts) {
  const { db, now, repositories, lastUse, log, metrics, steady } = parts
  const measure = createMeasure(db)
  const measured = new Map<number, { at: number; tookMs: number }>()
  const adopted = new Set<number>()
  const forAge = createClockWatch(now, steady, distrustMs)
  const forSize = createClockWatch(now, steady, usedLatelyMs)
  // From now on it is noticed.
  lookAtClock()

  function lookAtClock() {
    return { forAge: forAge.isTrusted(), forSize: forSize.isTrusted() }
  }
  const sizeFact = (cache: Cache) => `bytes in proxy cache ${cache.id}`

  const caches = (): Cache[] =>
    repositories.all().flatMap((repository) => {
      if (repository.type !== 'proxy') return []
      const { id, name, store, upstream } = repository
      return [{ id, name, store, keepForMs: upstream.keepForMs, cacheBytes: upstream.cacheBytes }]
    })

  async function tendOne(cache: Cache, trusted: Trusted, keepGoing: () => Promise<boolean>): Promise<Evicted> {
    const usedLately = now() - usedLatelyMs
    await bringUsesBack(db, cache.id, now() + coarseMs)
    const old: Evicted = { manifests: 0, bytes: 0 }
    if (cache.keepForMs !== undefined && trusted.forAge) {
      const before = Math.min(now() - cache.keepForMs, usedLately)
      Object.assign(old, await evictByAge(parts, cache, before, keepGoing))
      report(cache, old, 'it was not used for long')
    }
    if (!isMeasuringDue(cache)) return old
    const begun = steady()
    const bytes = await measure(cache, keepGoing)
    if (bytes === undefined) return old
    measured.set(cache.id, { at: now(), tookMs: steady() - begun })
    const excess = bytes - (cache.cacheBytes ?? bytes)
    const more: Evicted = { manifests: 0, bytes: 0 }
    if (excess > 0 && trusted.forSize) {
      Object.assign(more, await evictBySize(parts, cache, { excess, before: usedLately }, keepGoing))
      report(cache, more, 'the cache is larger than it may be')
    }
    await db.relaxed((tx) => remember(tx, sizeFact(cache), String(bytes - more.bytes)))
    return { manifests: old.manifests + more.manifests, bytes: old.bytes + more.bytes }
  }

  function isMeasuringDue({ id, cacheBytes }: Cache): boolean {
    const last = measured.get(id)
    if (last === undefined) return true
    return Math.abs(now() - last.at) >= (cacheBytes === undefined ? measureEveryMs : restsPerMeasure * last.tookMs)
  }

  /** Those that have just become proxies, and on the first look all of them. */
  async function adopt(all: Cache[], keepGoing: () => Promise<boolean>): Promise<void> {
    const ids = all.map(({ id }) => id).filter((id) => !adopted.has(id))
    if (ids.length === 0 || !(await adoptManifests(db, ids, now(), keepGoing))) return
    for (const id of ids) adopted.add(id)
  }

  function report({ name }: Cache, { manifests, bytes }: Evicted, why: string): void {
    if (manifests === 0) return
    metrics.cacheEvicted(name, manifests, bytes)
    log.info(`evicted from a proxy's cache: ${why}`, { repository: name, manifests, bytes })
  }

  /** Whether to go on; keeps the turn meanwhile. */
  function watch(signal: AbortSignal | undefined): () => Promise<boolean> {
    let sureUntil = performance.now() + longestTurnMs / 2
    return async () => {
      if (signal?.aborted) return false
      if (performance.now() > sureUntil) {
        await db.relaxed((tx) => keepTurn(tx, turn, now() + longestTurnMs))
        sureUntil = performance.now() + longestTurnMs / 2
      }
      return true
    }
  }

  return {
    /** Writes down what was used. */
    noteUses: lastUse.flush,

    /** Evicts what has to go from all caches, unless another instance does or just did, and measures them. */
    async tend(signal?: AbortSignal): Promise<Evicted> {
      const trusted = lookAtClock()
      await lastUse.flush()
      const total: Evicted = { manifests: 0, bytes: 0 }
      const all = caches()
      if (all.length > 0 && (await db.relaxed((tx) => takeTurn(tx, turn, now(), now() + longestTurnMs)))) {
        const keepGoing = watch(signal)
        try {
          await takeStatistics(db)
          await adopt(all, keepGoing)
          for (const cache of all) {
            const { manifests, bytes } = await tendOne(cache, trusted, keepGoing)
            total.manifests += manifests
            total.bytes += bytes
          }
        } finally {
          await db.relaxed((tx) => keepTurn(tx, turn, now() + restMs))
        }
      }
      for (const cache of all) {
        const bytes = await recall(db.queries, sizeFact(cache))
        if (bytes !== undefined) metrics.cacheMeasured(cache.name, Number(bytes))
      }
      return total
    },
  }
}

export type ProxyCaches = ReturnType<typeof createProxyCaches>
