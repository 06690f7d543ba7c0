import type { Incoming } from '../../../http/incoming.ts'
import type { Proxied } from '../../../telemetry/proxy-metrics.ts'

/** The response as it is, after noting for log and metrics how a proxy came by it; of a hosted repository there is nothing to note. */
export function noted(incoming: Incoming, proxied: Proxied | undefined, response: Response): Response {
  if (!proxied) return response
  incoming.cache = proxied.cache
  const hasBody = incoming.method === 'GET' && (response.status === 200 || response.status === 206)
  if (hasBody) proxied.served(Number(response.headers.get('content-length') ?? 0))
  return response
}
