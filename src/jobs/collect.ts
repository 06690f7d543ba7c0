import type { Collector } from '../content/collector.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { JobWork } from './job.ts'

/** `gc.run`: works off what is due now, beside whatever the schedule does. Broken off, it has done what it has done. */
export function collectJob(collector: Pick<Collector, 'run'>, metrics: Pick<Metrics, 'garbageCollected'>): JobWork {
  return async ({ signal, progress, say }) => {
    const { reviewed, links, blobs, bytes } = await collector.run(signal)
    signal.throwIfAborted()
    metrics.garbageCollected(blobs, bytes)
    progress({ reviewed, links, blobs, bytes })
    say(`${reviewed} candidates looked at, ${blobs} blobs with ${bytes} bytes removed`)
  }
}
