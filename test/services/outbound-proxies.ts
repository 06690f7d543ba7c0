import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, run, startDaemon, temporaryFolder, waitFor } from '../helpers/process.ts'
import type { Credentials } from '../helpers/registry-process.ts'
import type { FrontProxy } from './nginx.ts'
import { installPackages } from './packages.ts'
import { portAnswers } from './ports.ts'

/** tinyproxy, for plain requests and CONNECT to any port. With credentials it lets nobody else through. Its log names every request. */
export async function startTinyproxy(credentials?: Credentials): Promise<FrontProxy> {
  await installPackages('tinyproxy')
  const folder = temporaryFolder('tinyproxy')
  const port = await freePort()
  const config = join(folder, 'tinyproxy.conf')
  writeFileSync(
    config,
    `Port ${port}
Listen 127.0.0.1
Timeout 600
MaxClients 200
LogLevel Info
${credentials ? `BasicAuth ${credentials.username} ${credentials.password}` : ''}
`,
  )
  return start('tinyproxy', ['tinyproxy', '-d', '-c', config], folder, port)
}

/** squid without a cache, for plain requests and CONNECT to any port, with Basic credentials. Its log names every request. */
export async function startSquid({ username, password }: Credentials): Promise<FrontProxy> {
  await installPackages('squid', 'openssl')
  const folder = temporaryFolder('squid')
  chmodSync(folder, 0o777) // for the user it becomes when started by root
  const port = await freePort()
  const users = join(folder, 'users')
  const hash = await run(['openssl', 'passwd', '-apr1', password])
  writeFileSync(users, `${username}:${hash}`, { mode: 0o644 })
  const config = join(folder, 'squid.conf')
  writeFileSync(
    config,
    `http_port 127.0.0.1:${port}
auth_param basic program /usr/lib/squid/basic_ncsa_auth ${users}
auth_param basic children 1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
cache deny all
pid_filename none
access_log stdio:${folder}/access.log
cache_log /dev/stderr
shutdown_lifetime 0 seconds
visible_hostname squid.test
netdb_filename none
pinger_enable off
`,
  )
  return start('squid', ['squid', '-N', '-f', config], folder, port, join(folder, 'access.log'))
}

async function start(
  name: string,
  command: string[],
  folder: string,
  port: number,
  accessLog?: string,
): Promise<FrontProxy> {
  const daemon = startDaemon(command, { logFile: join(folder, 'log') })
  const stop = async () => {
    await daemon.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await waitFor(`${name} on port ${port}`, () => portAnswers(port))
  } catch (error) {
    const log = daemon.log()
    await stop()
    throw new Error(`${name} did not start: ${log}`, { cause: error })
  }
  const requests = () => (accessLog !== undefined && existsSync(accessLog) ? readFileSync(accessLog, 'utf8') : '')
  return { port, log: () => daemon.log() + requests(), stop }
}
