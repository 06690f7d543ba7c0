import { describe, expect, test } from 'bun:test'
import { createMetrics } from './metrics.ts'

/** Samples by name and labels; throws on a line that is not the text format. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  for (const line of text.trimEnd().split('\n')) {
    if (line === '' || /^# (HELP|TYPE) [a-zA-Z_:][\w:]* .+$/.test(line)) continue
    const match = /^([a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\})?) (\S+)$/.exec(line)
    if (!match?.[1]) throw new Error(`not a sample: ${line}`)
    samples.set(match[1], Number(match[2]?.replace('Nan', 'NaN')))
  }
  return samples
}

describe('metrics', () => {
  test('are text that Prometheus reads, with process and event loop', async () => {
    const metrics = createMetrics({ version: '1.2.3' })
    const samples = parse(await metrics.metricsText())
    expect(samples.get('entrepot_build_info{version="1.2.3"}')).toBe(1)
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1_000_000)
    expect([...samples.keys()].some((name) => name.startsWith('nodejs_eventloop_lag'))).toBe(true)
    expect(metrics.contentType).toContain('text/plain')
  })

  test('count requests by handler, method and status, and time them', async () => {
    const metrics = createMetrics()
    for (const seconds of [0.0005, 0.002, 0.3, 100]) {
      metrics.requestStarted()
      metrics.requestEnded('blob', 'GET', 200, seconds, 10)
    }
    metrics.requestStarted()
    metrics.requestEnded('blob', 'PUT', 201, 0.1, 0)
    metrics.requestStarted()
    for (const text of [await metrics.metricsText(), await metrics.metricsText()]) {
      const samples = parse(text)
      const labels = 'handler="blob",method="get",code="200"'
      expect(samples.get(`registry_http_requests_total{${labels}}`)).toBe(4)
      expect(samples.get(`registry_http_response_size_bytes_total{${labels}}`)).toBe(40)
      expect(samples.get(`registry_http_request_duration_seconds_count{${labels}}`)).toBe(4)
      expect(samples.get(`registry_http_request_duration_seconds_sum{${labels}}`)).toBeCloseTo(100.3025)
      const bucket = (le: string) => samples.get(`registry_http_request_duration_seconds_bucket{le="${le}",${labels}}`)
      expect(['0.001', '0.0025', '0.25', '0.5', '60', '+Inf'].map(bucket)).toEqual([1, 2, 2, 3, 3, 4])
      expect(samples.get('registry_http_requests_total{handler="blob",method="put",code="201"}')).toBe(1)
      expect(samples.get('registry_http_in_flight_requests')).toBe(1)
    }
  })

  test('keep made-up methods under one label', async () => {
    const metrics = createMetrics()
    for (let index = 0; index < 100; index++) metrics.requestEnded('other', `X${index}`, 405, 0, 0)
    const samples = parse(await metrics.metricsText())
    expect(samples.get('registry_http_requests_total{handler="other",method="other",code="405"}')).toBe(100)
  })
})
