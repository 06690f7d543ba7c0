import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAuthority, testCertificate, writePair } from '../helpers/certificates.ts'
import { freePort, startDaemon, temporaryFolder, waitFor } from '../helpers/process.ts'
import { goTool } from './go-tools.ts'
import { portAnswers } from './ports.ts'

/** A certificate authority that speaks ACME, for which every host is on 127.0.0.1. */
export interface Pebble {
  readonly directory: string
  /** PEM file of the authority behind its own HTTPS. */
  readonly ca: string
  /** PEM of the root that signs what it issues in this run. */
  root(): Promise<string>
  log(): string
  stop(): Promise<void>
}

export interface PebbleOptions {
  /** Where it looks for http-01 answers. */
  httpPort: number
  /** Life of the certificates it gives. */
  validSeconds?: number
}

/** Builds and starts pebble with a DNS server of its own. Throws `Unavailable` where it cannot be built. */
export async function startPebble({ httpPort, validSeconds = 7_776_000 }: PebbleOptions): Promise<Pebble> {
  const [pebble, names] = [await goTool('pebble'), await goTool('pebble-challtestsrv')]
  const folder = temporaryFolder('pebble')
  const [port, management, dns, dnsManagement] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  const authority = await testAuthority('ACME test CA')
  const pair = writePair(folder, 'acme', await testCertificate(authority, 'acme'))
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, authority.certificate)
  const settings = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: pair.certificate,
    privateKey: pair.key,
    httpPort,
    tlsPort: 1,
    retryAfter: { authz: 1, order: 1 },
    keyAlgorithm: 'ecdsa',
    profiles: { default: { description: 'the only one', validityPeriod: validSeconds } },
  }
  const config = join(folder, 'config.json')
  writeFileSync(config, JSON.stringify({ pebble: settings }))
  const off = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-doh', '']
  const resolver = startDaemon(
    [names, '-dnsserver', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${dnsManagement}`, '-defaultIPv6', '', ...off],
    { logFile: join(folder, 'dns.log') },
  )
  // It turns away some requests at random, as an authority may.
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '15' }
  const daemon = startDaemon([pebble, '-config', config, '-dnsserver', `127.0.0.1:${dns}`], {
    logFile: join(folder, 'pebble.log'),
    env,
  })
  const stop = async () => {
    await daemon.stop()
    await resolver.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await waitFor('pebble', async () => (await portAnswers(port)) && (await portAnswers(dnsManagement)))
  } catch (error) {
    const log = daemon.log()
    await stop()
    throw new Error(`pebble did not start: ${log}`, { cause: error })
  }
  return {
    directory: `https://127.0.0.1:${port}/dir`,
    ca,
    async root() {
      const url = `https://127.0.0.1:${management}/roots/0`
      const response = await fetch(url, { tls: { ca: authority.certificate } } as RequestInit)
      return response.text()
    },
    log: daemon.log,
    stop,
  }
}
