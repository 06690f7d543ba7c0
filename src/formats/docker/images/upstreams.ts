import type { Config } from '../../../config/config.ts'
import type { Log } from '../../../telemetry/log.ts'
import type { Metrics } from '../../../telemetry/metrics.ts'
import { createGuard } from '../../../upstream/guard.ts'
import type { Outbound } from '../../../upstream/outbound.ts'
import type { UpstreamSettings } from '../../../upstream/settings.ts'
import { createUpstream, type Upstream } from '../../../upstream/upstream.ts'
import { onceEach } from './once-each.ts'
import type { ProxyRepository } from './proxy.ts'

export interface Upstreams {
  /** The upstream of a proxy repository, made at first use and then kept: it knows tokens and how the upstream is doing. */
  of(repository: ProxyRepository): Upstream
  /** One for a single question, under the same rules: nothing of it is remembered. */
  fresh(settings: UpstreamSettings): Upstream
}

export interface UpstreamsParts {
  outbound: Outbound
  log: Log
  now: () => number
  metrics: Pick<Metrics, 'upstreamAnswered'>
}

/** Makes the upstreams of a server. Throws RangeError for a range in `outbound.allow` that is none. */
export function createUpstreams(
  { outbound: { allow } }: Pick<Config, 'outbound'>,
  { metrics, ...parts }: UpstreamsParts,
): Upstreams {
  const guards = { guard: createGuard({ allow }), foreignGuard: createGuard({ allow, allowPrivate: false }) }
  return {
    of: onceEach(({ name, upstream }) =>
      createUpstream(
        { name, ...upstream },
        { ...parts, ...guards, answered: (kind, seconds) => metrics.upstreamAnswered(name, kind, seconds) },
      ),
    ),
    fresh: (settings) => createUpstream(settings, { ...parts, ...guards }),
  }
}
