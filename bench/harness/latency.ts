import { request } from './registry-client.ts'
import { median } from './statistics.ts'

/**
 * Median milliseconds of a GET, whole body read, one after the other over a kept connection. Ends after `requests` or
 * `seconds`, whichever comes first, but never before the third answer. The first tenth of `requests`, while connection and code
 * warm up, does not count where more than those were answered.
 */
export async function getLatency(url: string, { requests, seconds }: { requests: number; seconds: number }) {
  const times: number[] = []
  const began = performance.now()
  while (times.length < requests && (times.length < 3 || performance.now() - began < seconds * 1000)) {
    const sent = performance.now()
    const response = await request('GET', url, [200])
    await response.arrayBuffer()
    times.push(performance.now() - sent)
  }
  const warmUp = Math.ceil(requests / 10)
  return median(times.length > 2 * warmUp ? times.slice(warmUp) : times)
}
