import { AppError } from '../../../errors.ts'
import type { Log } from '../../../telemetry/log.ts'
import type { CacheResult, Proxied, ProxyMetrics } from '../../../telemetry/proxy-metrics.ts'

type Kind = 'manifest' | 'blob' | 'list'

/** Says in log and metrics how a proxy repository answers. */
export type ProxyEvents = ReturnType<typeof createProxyEvents>

export function createProxyEvents(repository: string, log: Log, metrics: ProxyMetrics) {
  const outcome = (kind: Kind, cache: CacheResult): Proxied => ({
    cache,
    served: (bytes) => metrics.proxyServed(repository, kind, cache, bytes),
  })
  const outcomes = {
    manifest: {
      hit: outcome('manifest', 'hit'),
      miss: outcome('manifest', 'miss'),
      stale: outcome('manifest', 'stale'),
    },
    blob: { hit: outcome('blob', 'hit'), miss: outcome('blob', 'miss'), stale: outcome('blob', 'stale') },
  }
  const say =
    (result: 'hit' | 'miss' | 'absent') =>
    (kind: Kind, what: string): undefined => {
      metrics.proxied(repository, kind, result)
      log.debug(`proxy ${result}`, { repository, kind, what })
    }
  return {
    hit: say('hit'),
    miss: say('miss'),
    absent: say('absent'),
    /** The cache answers because the upstream cannot. */
    stale(kind: Kind, what: string, trouble: AppError) {
      metrics.proxied(repository, kind, 'stale')
      metrics.upstreamFailed(repository, trouble.code)
      log.warn('proxy stale: the upstream is in trouble', { repository, kind, what, reason: trouble.message })
    },
    /** The upstream could not be asked in the background: what is cached is still fresh, and nobody waits. */
    unasked(what: string, error: unknown) {
      if (error instanceof AppError) metrics.upstreamFailed(repository, error.code)
      log.debug('proxy could not ask early', { repository, what, error })
    },
    /** `found` with how the proxy came by it. */
    marked: <Found extends object>(kind: 'manifest' | 'blob', cache: CacheResult, found: Found) => ({
      ...found,
      proxied: outcomes[kind][cache],
    }),
    /** Bytes came from the upstream. */
    fetched: (kind: Kind, bytes: number) => metrics.proxyFetched(repository, kind, bytes),
    /** What the upstream sent could be passed on and not kept. */
    unsaved: (what: string, error: AppError) =>
      log.warn('proxy could not keep what it fetched', { repository, what, error }),
    /** Counts what `work` throws, and passes it on. */
    async watching<T>(kind: Kind, what: string, work: () => Promise<T>): Promise<T> {
      try {
        return await work()
      } catch (error) {
        if (error instanceof AppError) metrics.upstreamFailed(repository, error.code)
        log.debug('proxy failed', { repository, kind, what, error })
        throw error
      }
    },
  }
}
