import type { Config } from '../config/config.ts'
import type { Collector } from '../content/collector.ts'
import type { Uploads } from '../content/uploads.ts'
import type { Audit } from '../events/audit.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { startSchedule } from './schedule.ts'

export interface Housekeeping {
  uploads: Uploads
  collector: Collector
  /** Names of the blob stores. */
  stores: string[]
  /** Ids of the proxy repositories. */
  proxies: () => number[]
  audit: Pick<Audit, 'prune'>
  sessions: { sweep(): Promise<unknown> }
  /** Removes access tokens whose end is long past, and says how many. */
  purgeTokens(): Promise<number>
  /** The caches of the proxy repositories. */
  caches: { noteUses(): Promise<void>; tend(signal: AbortSignal): Promise<unknown> }
  metrics: Metrics
  log: Log
}

/** Starts what runs beside the requests: sweep of what a crash has left, garbage collection, purge of abandoned uploads. */
export function startHousekeeping(
  config: Config,
  { uploads, collector, stores, proxies, caches, audit, sessions, purgeTokens, metrics, log }: Housekeeping,
) {
  const { gc, maintenance } = config.storage
  const { age, interval, enabled, dryrun } = maintenance.uploadpurging
  const minute = 60_000
  return startSchedule(
    [
      {
        name: 'sweep',
        firstAfterMs: 0,
        everyMs: 24 * 60 * minute,
        async run() {
          for (const store of stores) {
            const swept = await uploads.sweep(store)
            if (swept > 0) log.info('removed staged uploads that a crash had left', { store, uploads: swept })
          }
        },
      },
      // Nobody comes back for a download that died with its process.
      {
        name: 'purge of broken downloads',
        firstAfterMs: 0,
        everyMs: 5 * minute,
        async run() {
          const repositories = proxies()
          if (repositories.length === 0) return
          const purged = await uploads.purge(minute, { repositories })
          if (purged > 0) log.info('removed broken downloads', { downloads: purged })
        },
      },
      { name: 'note of what was pulled', firstAfterMs: minute, everyMs: minute, run: caches.noteUses },
      { name: 'care of proxy caches', firstAfterMs: minute, everyMs: 10 * minute, run: caches.tend },
      { name: 'end of old sessions', firstAfterMs: minute, everyMs: 60 * minute, run: sessions.sweep },
      {
        name: 'end of old access tokens',
        firstAfterMs: minute,
        everyMs: 24 * 60 * minute,
        async run() {
          const tokens = await purgeTokens()
          if (tokens > 0) log.info('removed access tokens that ended long ago', { tokens })
        },
      },
      ...(config.audit.keep > 0
        ? [
            {
              name: 'end of old audit events',
              firstAfterMs: minute,
              everyMs: 60 * minute,
              async run(signal: AbortSignal) {
                const removed = await audit.prune(config.audit.keep, signal)
                if (removed > 0) log.info('removed audit events whose time is over', { events: removed })
              },
            },
          ]
        : []),
      ...(gc.enabled
        ? [
            {
              name: 'garbage collection',
              firstAfterMs: Math.min(gc.grace, 10_000),
              everyMs: Math.min(Math.max(gc.grace / 4, 1000), minute),
              async run(signal: AbortSignal) {
                const { blobs, bytes, links } = await collector.run(signal)
                metrics.garbageCollected(blobs, bytes)
                if (blobs > 0 || links > 0) log.info('garbage collected', { blobs, bytes, links })
              },
            },
          ]
        : []),
      ...(enabled
        ? [
            {
              name: 'upload purge',
              firstAfterMs: minute,
              everyMs: interval,
              async run() {
                const purged = await uploads.purge(age, { dryRun: dryrun })
                if (purged > 0)
                  log.info(dryrun ? 'abandoned uploads (dry run)' : 'removed abandoned uploads', { uploads: purged })
              },
            },
          ]
        : []),
    ],
    log,
  )
}
