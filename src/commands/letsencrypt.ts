import { join } from 'node:path'
import { createChallenges } from '../acme/challenges.ts'
import { openKept } from '../acme/kept.ts'
import { makeKey, orderCertificate } from '../acme/order.ts'
import { type Renewal, startRenewal } from '../acme/renewal.ts'
import { createClosers } from '../closers.ts'
import type { Config } from '../config/config.ts'
import { openListener } from '../http/listener.ts'
import type { Log } from '../telemetry/log.ts'
import { configuredOutbound } from '../upstream/configured.ts'
import { written } from './written.ts'

export interface LetsEncrypt {
  /** PEM file of certificate and key, there from the start: until the authority has given one, with a certificate of our own. Replaced in one step. */
  readonly file: string
  /** Asks for certificates from now on. `httpsPort`: where people who come to the challenge listener are sent. */
  start(httpsPort: number): Promise<void>
  /** Looks now whether a new one is due. */
  reload(): void
  close(): Promise<void>
}

/** `http.tls.letsencrypt`; undefined when it has no hosts. Asks nobody for anything before `start`. */
export async function openLetsEncrypt(config: Config, log: Log): Promise<LetsEncrypt | undefined> {
  const { hosts: named, email, directoryurl, challengeaddr } = config.http.tls.letsencrypt
  const hosts = named.map((host) => host.toLowerCase())
  if (hosts.length === 0) return undefined
  const kept = openKept(join(config.dataDir, 'acme'))
  if (!kept.certificate()) kept.put(await placeholder(hosts))
  const outbound = configuredOutbound(config)
  const closers = createClosers()
  let renewal: Renewal | undefined
  return {
    file: kept.file,
    async start(httpsPort) {
      const challenges = createChallenges(() => httpsPort)
      const addr = written(challengeaddr)
      const listener = await openListener({ addr, handler: challenges.handler, trust: config.http.trustedProxies, log })
      closers.add({ close: () => listener.stop(0).then(() => {}) })
      const order = async () => {
        const accountKey = await kept.accountKey(makeKey)
        return orderCertificate({ hosts, email, directoryUrl: directoryurl, accountKey }, challenges, outbound)
      }
      log.info(`challenges for certificates are answered on ${listener.address}`)
      renewal = closers.add(startRenewal({ kept, hosts, order, log, now: Date.now }))
    },
    reload: () => renewal?.check(),
    close: closers.closeAll,
  }
}

/** Lets the listener open, and answers those who do not check, while the authority is not reached. */
async function placeholder(hosts: readonly string[]): Promise<string> {
  const { makeAuthority, makeServerCertificate } = await import('./cert-authority.ts')
  const authority = await makeAuthority('Entrepot, until a certificate is obtained', 30)
  const { certificate, key } = await makeServerCertificate(authority, hosts, 30)
  return `${key.trim()}\n${certificate.trim()}\n`
}
