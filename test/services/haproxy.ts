import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Certificates } from '../helpers/openssl.ts'
import { freePort, run, startDaemon, temporaryFolder, waitFor } from '../helpers/process.ts'
import type { FrontProxy } from './nginx.ts'
import { installPackages } from './packages.ts'
import { portAnswers } from './ports.ts'

export interface HaproxyOptions {
  /** Registries to spread connections over: `127.0.0.1:5000`. */
  upstreams: string[]
  /** `tcp` passes everything through, TLS included. `http` ends TLS here when there are certificates, and sends `X-Forwarded-Proto`. */
  mode: 'tcp' | 'http'
  certificates?: Certificates
}

/** haproxy, round robin, with a check every half second. A registry that dies is left out after two of them. */
export async function startHaproxy({ upstreams, mode, certificates }: HaproxyOptions): Promise<FrontProxy> {
  await installPackages('haproxy')
  const folder = temporaryFolder('haproxy')
  const port = await freePort()
  let tls = ''
  if (certificates) {
    const both = join(folder, 'both.pem')
    writeFileSync(both, readFileSync(certificates.cert, 'utf8') + readFileSync(certificates.key, 'utf8'), {
      mode: 0o600,
    })
    tls = `ssl crt ${both}`
  }
  const headers = ['  option forwardfor', `  http-request set-header X-Forwarded-Proto ${tls ? 'https' : 'http'}`]
  const config = join(folder, 'haproxy.cfg')
  writeFileSync(
    config,
    `global
  maxconn 2000
defaults
  mode ${mode}
  timeout connect 5s
  timeout client 15m
  timeout server 15m
frontend outside
  bind 127.0.0.1:${port} ${tls}
  default_backend registries
${mode === 'http' ? headers.join('\n') : ''}
backend registries
  balance roundrobin
  option redispatch 1
  retries 3
${upstreams.map((address, n) => `  server registry${n} ${address} check inter 500ms fall 2 rise 1`).join('\n')}
`,
  )
  await run(['haproxy', '-c', '-q', '-f', config])
  const daemon = startDaemon(['haproxy', '-db', '-f', config], { logFile: join(folder, 'log') })
  const stop = async () => {
    await daemon.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await waitFor(`haproxy on port ${port}`, () => portAnswers(port))
  } catch (error) {
    await stop()
    throw error
  }
  return { port, log: daemon.log, stop }
}
