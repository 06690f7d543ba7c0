import type { JsonObject } from '../config/form.ts'
import { AppError } from '../errors.ts'
import type { UpstreamSettings } from '../upstream/settings.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { kindOf } from './declaration.ts'
import { checkedRepository } from './rules.ts'

/** What a connection test has found out. */
export interface Probe {
  ok: boolean
  /** What went wrong, for people; undefined when nothing did. */
  problem: string | undefined
  /** Milliseconds it took. */
  tookMs: number
}

/** Longest time for one answer, and for the whole test. */
const responseMs = 10_000
const wholeMs = 20_000

/** The upstream that a form means (`upstream` of a repository). Throws `request-invalid` with what is wrong. */
export function upstreamOfForm(form: JsonObject): UpstreamSettings {
  const repository = checkedRepository({ name: 'test', type: 'proxy', upstream: form }, [], ['default'])
  const kind = kindOf(repository)
  if (kind.type !== 'proxy') throw new AppError('internal', 'a proxy became something else')
  return { name: 'test', ...kind.upstream }
}

/** Asks an upstream once whether it is a registry that takes our login. Also one that is blocked: whoever tests it wants to know. */
export async function probeUpstream(
  settings: UpstreamSettings,
  make: (settings: UpstreamSettings) => Pick<Upstream, 'ping'>,
): Promise<Probe> {
  const begun = performance.now()
  const end = (problem: string | undefined) => ({
    ok: problem === undefined,
    problem,
    tookMs: Math.round(performance.now() - begun),
  })
  const timing = {
    ...settings.timing,
    attempts: 1,
    responseMs: Math.min(responseMs, settings.timing?.responseMs ?? responseMs),
  }
  const signal = AbortSignal.timeout(wholeMs)
  try {
    await make({ ...settings, blocked: false, timing }).ping(signal)
    return end(undefined)
  } catch (error) {
    if (signal.aborted) return end(`no answer within ${wholeMs / 1000} seconds`)
    if (!(error instanceof AppError)) throw error
    return end(error.message)
  }
}
