import { silentLog } from '../../src/telemetry/log.ts'
import { createGuard, type Guard } from '../../src/upstream/guard.ts'
import type { Timing, UpstreamSettings } from '../../src/upstream/settings.ts'
import { createUpstream, type Upstream, type UpstreamParts } from '../../src/upstream/upstream.ts'

/** Patience for tests: the same order of things in a hundredth of the time. */
export const hasty: Partial<Timing> = { responseMs: 2_000, idleMs: 300, retryDelayMs: 5, resumes: 3, firstBlockMs: 50 }

/** An upstream called `far`, hasty unless told otherwise. */
export function upstreamAt(
  url: string,
  settings: Partial<UpstreamSettings> = {},
  parts: Partial<UpstreamParts> = {},
): Upstream {
  return createUpstream(
    { name: 'far', url, ...settings, timing: { ...hasty, ...settings.timing } },
    { log: silentLog, ...parts },
  )
}

/** A guard that finds names in the table given and nowhere else, names there being of this machine's loopback network. */
export function guardWith(names: Record<string, string[]>, settings = {}): Guard {
  return createGuard(settings, async (name) => {
    const found = names[name]
    if (!found) throw Object.assign(new Error(`no such name: ${name}`), { code: 'ENOTFOUND' })
    return found
  })
}
