import type { ContentParts } from '../content/content.ts'
import { recall, remember } from '../database/facts.ts'
import { keepTurn, longestTurnMs, takeTurn } from '../database/turns.ts'
import type { Repositories } from '../repositories/repositories.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
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

const turn = 'care of proxy caches'

export interface ProxyCacheParts extends ContentParts {
  repositories: Pick<Repositories, 'all'>
  lastUse: LastUse
  log: Log
  metrics: Pick<Metrics, 'cacheMeasured' | 'cacheEvicted'>
}

/** The life of what proxy repositories have cached: evicted when it was not used for long, or when there is too much of it. */
export function createProxyCaches(parts: ProxyCacheParts) {
  const { db, now, repositories, lastUse, log, metrics } = parts
  const measure = createMeasure(db, now)
  const measured = new Map<number, number>()
  const sizeFact = (cache: Cache) => `bytes in proxy cache ${cache.id}`

  const caches = (): Cache[] =>
    repositories.all().flatMap((repository) => {
      if (repository.type !== 'proxy') return []
      const { id, name, store, upstream } = repository
      return [{ id, name, store, keepForMs: upstream.keepForMs, cacheBytes: upstream.cacheBytes }]
    })

  async function tendOne(cache: Cache, keepGoing: () => Promise<boolean>): Promise<Evicted> {
    const usedLately = now() - usedLatelyMs
    const old: Evicted = { manifests: 0, bytes: 0 }
    if (cache.keepForMs !== undefined) {
      const before = Math.min(now() - cache.keepForMs, usedLately)
      Object.assign(old, await evictByAge(parts, cache, before, keepGoing))
      report(cache, old, 'it was not used for long')
    }
    const measuredAt = measured.get(cache.id)
    const isDue = measuredAt === undefined || Math.abs(now() - measuredAt) >= measureEveryMs
    if (cache.cacheBytes === undefined && !isDue) return old
    const bytes = await measure(cache, measuredAt === undefined, keepGoing)
    if (bytes === undefined) return old
    measured.set(cache.id, now())
    const excess = bytes - (cache.cacheBytes ?? bytes)
    const more: Evicted = { manifests: 0, bytes: 0 }
    if (excess > 0) {
      Object.assign(more, await evictBySize(parts, cache, { excess, before: usedLately }, keepGoing))
      report(cache, more, 'the cache is larger than it may be')
    }
    await db.relaxed((tx) => remember(tx, sizeFact(cache), String(bytes - more.bytes)))
    return { manifests: old.manifests + more.manifests, bytes: old.bytes + more.bytes }
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
      await lastUse.flush()
      const total: Evicted = { manifests: 0, bytes: 0 }
      const all = caches()
      if (all.length > 0 && (await db.relaxed((tx) => takeTurn(tx, turn, now(), now() + longestTurnMs)))) {
        const keepGoing = watch(signal)
        try {
          for (const cache of all) {
            const { manifests, bytes } = await tendOne(cache, keepGoing)
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
