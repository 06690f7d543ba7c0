import type { Log } from '../telemetry/log.ts'
import type { Kept, KeptCertificate } from './kept.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
/** Authorities allow about five failed tries an hour for one name. */
const firstRetryMs = 2 * minuteMs
const longestRetryMs = 6 * hourMs

export interface RenewalOptions {
  kept: Kept
  hosts: readonly string[]
  /** Gets a new certificate with its key, PEM. */
  order: () => Promise<string>
  log: Log
  now: () => number
}

export interface Renewal {
  /** Looks now whether the certificate is due, instead of within the hour. */
  check(): void
  close(): void
}

/** Gets the certificate now when it is due, and again when a third of its life is left; after a failure sooner, waiting longer each time. */
export function startRenewal({ kept, hosts, order, log, now }: RenewalOptions): Renewal {
  let failures = 0
  let isClosed = false
  let isRunning = false
  let timer: NodeJS.Timeout | undefined

  async function turn(): Promise<void> {
    if (isRunning) return
    isRunning = true
    clearTimeout(timer)
    const reason = whyDue(kept.certificate(), hosts, now())
    if (reason) await renew(reason)
    isRunning = false
    if (isClosed) return
    const waitMs = failures > 0 ? Math.min(firstRetryMs * 2 ** (failures - 1), longestRetryMs) : hourMs
    timer = setTimeout(() => void turn(), waitMs)
    timer.unref()
  }

  async function renew(reason: string): Promise<void> {
    log.info('asking for a certificate', { hosts: hosts.join(' '), reason })
    try {
      kept.put(await order())
      failures = 0
      const until = kept.certificate()?.until
      log.info('a certificate was obtained', { until: until === undefined ? '' : new Date(until).toISOString() })
    } catch (error) {
      failures += 1
      const minutes = Math.min(firstRetryMs * 2 ** (failures - 1), longestRetryMs) / minuteMs
      log.error(`no certificate could be obtained; next try in ${minutes} minutes`, { error })
    }
  }

  void turn()
  return {
    check: () => void turn(),
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}

/** Why a certificate has to be got at this time (milliseconds); undefined: it is good. */
export function whyDue(
  certificate: KeptCertificate | undefined,
  hosts: readonly string[],
  now: number,
): string | undefined {
  if (!certificate || certificate.isPlaceholder) return 'there is none yet'
  const missing = hosts.filter((host) => !certificate.hosts.includes(host))
  if (missing.length > 0) return `the one there is lacks ${missing.join(' ')}`
  if (now > certificate.until) return 'the one there is has expired'
  const renewAt = certificate.until - (certificate.until - certificate.from) / 3
  return now > renewAt ? 'two thirds of its life are over' : undefined
}
