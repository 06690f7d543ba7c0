import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { createOutbound, type Outbound } from './outbound.ts'

/** The way out as `outbound` of the configuration describes it; reads the file of authorities that it names. */
export function configuredOutbound({ outbound: { proxy, noProxy, ca } }: Pick<Config, 'outbound'>): Outbound {
  const settings = {
    proxy: proxy === 'none' ? undefined : proxy,
    noProxy: noProxy.length > 0 ? noProxy : undefined,
    ca: ca === undefined ? undefined : readFileSync(ca, 'utf8'),
  }
  return createOutbound(settings, proxy === 'none' ? {} : process.env)
}
