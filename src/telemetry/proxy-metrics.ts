import { Counter, Histogram, type Registry } from 'prom-client'

/** How a proxy repository came by what it answers with. `stale`: from the cache because of trouble with the upstream. */
export type CacheResult = 'hit' | 'miss' | 'stale'

/** What is to be said of an answer of a proxy repository, in the access log and in metrics. */
export interface Proxied {
  cache: CacheResult
  /** Counts the bytes of the body that it is answered with. */
  served(bytes: number): void
}

type Kind = 'manifest' | 'blob' | 'list'

/** Numbers of proxy repositories. Labels are names of repositories and short fixed words, nothing that a client chooses. */
export interface ProxyMetrics {
  /** Counts a request for a manifest or blob of a proxy repository. */
  proxied(repository: string, kind: Kind, result: CacheResult | 'absent'): void
  /** Counts trouble with the upstream of a proxy repository, by error code. */
  upstreamFailed(repository: string, code: string): void
  /** Counts bytes that clients are answered with. */
  proxyServed(repository: string, kind: Kind, result: CacheResult, bytes: number): void
  /** Counts bytes that came from the upstream. */
  proxyFetched(repository: string, kind: Kind, bytes: number): void
  /** Takes note of how long an upstream took until the head of an answer was there, retries, login and redirects included. */
  upstreamAnswered(repository: string, kind: 'manifest' | 'blob' | 'other', seconds: number): void
}

/** Upper ends in seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Registers them. */
export function createProxyMetrics(registry: Registry): ProxyMetrics {
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name: `entrepot_proxy_${name}_total`, help, labelNames, registers: [registry] })
  const requests = counter('requests', 'Manifests and blobs asked of proxy repositories.', [
    'repository',
    'kind',
    'result',
  ])
  const errors = counter('upstream_errors', 'Requests that an upstream failed to answer.', ['repository', 'code'])
  const served = counter('served_bytes', 'Announced bytes of what clients were answered with.', [
    'repository',
    'kind',
    'result',
  ])
  const fetched = counter('fetched_bytes', 'Bytes that came from upstreams.', ['repository', 'kind'])
  const latency = new Histogram({
    name: 'entrepot_proxy_upstream_duration_seconds',
    help: 'Time until the head of an answer of an upstream.',
    labelNames: ['repository', 'kind'],
    buckets,
    registers: [registry],
  })
  return {
    proxied: (repository, kind, result) => requests.inc({ repository, kind, result }),
    upstreamFailed: (repository, code) => errors.inc({ repository, code }),
    proxyServed: (repository, kind, result, bytes) => served.inc({ repository, kind, result }, bytes),
    proxyFetched: (repository, kind, bytes) => fetched.inc({ repository, kind }, bytes),
    upstreamAnswered: (repository, kind, seconds) => latency.observe({ repository, kind }, seconds),
  }
}
