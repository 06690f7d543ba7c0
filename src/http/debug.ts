import { headOf, plainAnswer } from './compose.ts'
import type { Handler } from './incoming.ts'

/** What the operators' listener serves. */
export interface DebugPages {
  /** `/healthz`, `/readyz` as on the main listener, and distribution's `/debug/health`. */
  healthz: Handler
  readyz: Handler
  debugHealth: Handler
  /** Absent: metrics are not served there. */
  metrics?: { path: string; handler: Handler } | undefined
}

/**
 * The pages of `http.debug.addr`: for machines that watch, on an address that only they can reach, so nobody is asked for a password.
 * Everything else is 404; only GET and HEAD are answered.
 */
export function createDebug({ healthz, readyz, debugHealth, metrics }: DebugPages): Handler {
  const pages = new Map<string, Handler>([
    ['/healthz', healthz],
    ['/readyz', readyz],
    ['/debug/health', debugHealth],
  ])
  if (metrics) pages.set(metrics.path, metrics.handler)
  return async (incoming) => {
    const page = pages.get(incoming.path)
    if (!page) return plainAnswer(404, `nothing here; there is ${[...pages.keys()].join(', ')}\n`)
    if (incoming.method === 'HEAD') return headOf(await page(incoming))
    if (incoming.method !== 'GET') return plainAnswer(405, `${incoming.method} is not served here\n`)
    return page(incoming)
  }
}
