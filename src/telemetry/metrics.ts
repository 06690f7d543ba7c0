import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client'
import { createProxyMetrics, type ProxyMetrics } from './proxy-metrics.ts'

/** Numbers of one process for Prometheus. Names: docs/operations.md. */
export interface Metrics extends ProxyMetrics {
  /** Where other rooms register theirs. */
  readonly registry: Registry
  requestStarted(): void
  /** Ends what `requestStarted` began. `route` is a short fixed word (`blob`, `manifest`), never a path; `bytes` the announced length of the answer. */
  requestEnded(route: string, method: string, status: number, seconds: number, bytes: number): void
  /** Counts what a run of the garbage collector has removed. */
  garbageCollected(blobs: number, bytes: number): void
  /** Counts a login that a directory was asked about. `offline`: granted from memory because the directory could not be asked. */
  directoryAsked(directory: string, result: 'accepted' | 'unknown' | 'refused' | 'offline' | 'unavailable'): void
  /** Says how many bytes the cache of a proxy repository needs that nobody else does. */
  cacheMeasured(repository: string, bytes: number): void
  /** Counts what went from the cache of a proxy repository. */
  cacheEvicted(repository: string, manifests: number, bytes: number): void
  /** The text that `/metrics` answers with. */
  metricsText(): Promise<string>
  readonly contentType: string
}

/** Upper ends in seconds. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

interface RequestTally {
  labels: { handler: string; method: string; code: string }
  seconds: number
  bytes: number
  /** One per bucket and one for what is slower, not yet summed up. */
  counts: Float64Array
}

/**
 * Makes the registry with process metrics and the HTTP ones. Requests are counted in plain numbers and turned into samples only when someone
 * asks: prom-client's own label look-up costs more than a manifest.
 */
export function createMetrics({ version = '' }: { version?: string } = {}): Metrics {
  const registry = new Registry()
  // A sample every 10 ms, the default, would wake an idle process a hundred times a second.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 })
  new Gauge({
    name: 'entrepot_build_info',
    help: 'Always 1; the label tells the version.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1)
  let inFlight = 0
  new Gauge({
    name: 'registry_http_in_flight_requests',
    help: 'Requests being answered.',
    registers: [registry],
    collect() {
      this.set(inFlight)
    },
  })
  const collectedBlobs = new Counter({
    name: 'entrepot_gc_removed_blobs_total',
    help: 'Blobs removed by the garbage collector of this process.',
    registers: [registry],
  })
  const collectedBytes = new Counter({
    name: 'entrepot_gc_removed_bytes_total',
    help: 'Their bytes.',
    registers: [registry],
  })
  const proxyMetrics = createProxyMetrics(registry)
  const directoryLogins = new Counter({
    name: 'entrepot_directory_logins_total',
    help: 'Logins that a directory was asked about.',
    labelNames: ['directory', 'result'],
    registers: [registry],
  })
  const cacheBytes = new Gauge({
    name: 'entrepot_proxy_cache_bytes',
    help: 'Bytes that the cached images of a proxy repository need and nothing else does, as measured last.',
    labelNames: ['repository'],
    registers: [registry],
  })
  const evictedManifests = new Counter({
    name: 'entrepot_proxy_evicted_manifests_total',
    help: 'Manifests evicted from the caches of proxy repositories by this process.',
    labelNames: ['repository'],
    registers: [registry],
  })
  const evictedBytes = new Counter({
    name: 'entrepot_proxy_evicted_bytes_total',
    help: 'Bytes of blobs that nothing needs since.',
    labelNames: ['repository'],
    registers: [registry],
  })
  const tallies = new Map<string, RequestTally>()
  addCounter(registry, 'registry_http_requests_total', 'Requests answered.', tallies, (tally) => total(tally))
  addCounter(
    registry,
    'registry_http_response_size_bytes_total',
    'Announced bytes of answers.',
    tallies,
    (tally) => tally.bytes,
  )
  registry.registerMetric(durationHistogram(tallies))

  return {
    registry,
    contentType: registry.contentType,
    requestStarted() {
      inFlight++
    },
    requestEnded(route, method, status, seconds, bytes) {
      inFlight--
      const key = `${route} ${method} ${status}`
      let tally = tallies.get(key)
      if (!tally) {
        // Methods are the client's words: unknown ones share a label, so that nobody can fill the memory with them.
        const safeMethod = knownMethods.has(method) ? method : 'other'
        const safeKey = `${route} ${safeMethod} ${status}`
        tally = tallies.get(safeKey) ?? newTally(route, safeMethod, status)
        tallies.set(safeKey, tally)
      }
      tally.seconds += seconds
      tally.bytes += bytes
      let bucket = 0
      while (bucket < buckets.length && seconds > (buckets[bucket] as number)) bucket++
      ;(tally.counts[bucket] as number)++
    },
    garbageCollected(blobs, bytes) {
      collectedBlobs.inc(blobs)
      collectedBytes.inc(bytes)
    },
    ...proxyMetrics,
    directoryAsked: (directory, result) => directoryLogins.inc({ directory, result }),
    cacheMeasured: (repository, bytes) => cacheBytes.set({ repository }, bytes),
    cacheEvicted(repository, manifests, bytes) {
      evictedManifests.inc({ repository }, manifests)
      evictedBytes.inc({ repository }, bytes)
    },
    metricsText: () => registry.metrics(),
  }
}

function newTally(handler: string, method: string, status: number): RequestTally {
  return {
    labels: { handler, method: method.toLowerCase(), code: String(status) },
    seconds: 0,
    bytes: 0,
    counts: new Float64Array(buckets.length + 1),
  }
}

function total(tally: RequestTally): number {
  return tally.counts.reduce((sum, count) => sum + count, 0)
}

function addCounter(
  registry: Registry,
  name: string,
  help: string,
  tallies: Map<string, RequestTally>,
  value: (tally: RequestTally) => number,
) {
  new Counter({
    name,
    help,
    labelNames: ['handler', 'method', 'code'],
    registers: [registry],
    collect() {
      this.reset()
      for (const tally of tallies.values()) this.inc(tally.labels, value(tally))
    },
  })
}

/** A metric as prom-client's registry asks for it; its own Histogram cannot be given finished counts. */
function durationHistogram(tallies: Map<string, RequestTally>): Metric {
  const name = 'registry_http_request_duration_seconds'
  const metric = {
    name,
    help: 'Time until the head of the answer.',
    type: 'histogram',
    aggregator: 'sum',
    reset: () => tallies.clear(),
    async get() {
      const values = [...tallies.values()].flatMap((tally) => {
        let sum = 0
        const steps = [...buckets, '+Inf'].map((le, index) => {
          sum += tally.counts[index] as number
          return { metricName: `${name}_bucket`, labels: { le, ...tally.labels }, value: sum }
        })
        return [
          ...steps,
          { metricName: `${name}_sum`, labels: tally.labels, value: tally.seconds },
          { metricName: `${name}_count`, labels: tally.labels, value: sum },
        ]
      })
      return { name: this.name, help: this.help, type: this.type, aggregator: this.aggregator, values }
    },
  }
  return metric as unknown as Metric
}
