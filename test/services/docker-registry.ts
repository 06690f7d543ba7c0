import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { freePort, startDaemon, temporaryFolder } from '../helpers/process.ts'
import { cleanEnvironment, readyServer, type Server, type ServerOptions } from '../helpers/registry-process.ts'
import { installPackages } from './packages.ts'

/** The password of `admin` when docker-registry is started with `auth: 'admin'`. */
export const standInPassword = 'stand-in-secret'

/**
 * Starts Debian's docker-registry with the same options and the same result as `startServer`: for comparisons, for data folders it wrote,
 * and as a stand-in. Its data lies directly in `dataDir`, in the layout under `docker/registry/v2`.
 */
export async function startDockerRegistry(options: ServerOptions = {}): Promise<Server> {
  await installPackages('docker-registry')
  const port = options.port ?? (await freePort())
  const dataDir = options.dataDir ?? temporaryFolder('docker-registry')
  mkdirSync(dataDir, { recursive: true })
  const folder = temporaryFolder('run')
  const given = typeof options.config === 'string' ? parse(options.config) : (options.config ?? {})
  const config = {
    version: '0.1',
    log: { level: 'warn' },
    ...given,
    storage: { filesystem: { rootdirectory: dataDir }, delete: { enabled: true }, ...given.storage },
    http: { addr: `127.0.0.1:${port}`, secret: 'stand-in', ...given.http },
    ...(options.auth === 'admin' ? { auth: { htpasswd: { realm: 'stand-in', path: join(folder, 'htpasswd') } } } : {}),
  }
  if (options.auth === 'admin') {
    const hash = await Bun.password.hash(standInPassword, { algorithm: 'bcrypt', cost: 4 })
    writeFileSync(join(folder, 'htpasswd'), `admin:${hash}\n`)
  }
  writeFileSync(join(folder, 'config.yml'), stringify(config))
  const env = options.env ?? {}
  const daemon = startDaemon(['docker-registry', 'serve', join(folder, 'config.yml')], {
    logFile: join(folder, 'log'),
    env: {
      ...cleanEnvironment(),
      ...Object.fromEntries(
        Object.entries(env).filter(([name]) => name.startsWith('REGISTRY_') && name !== 'REGISTRY_AUTH'),
      ),
    },
  })
  return readyServer(daemon, {
    port,
    dataDir,
    scheme: given.http?.tls || 'REGISTRY_HTTP_TLS_CERTIFICATE' in env ? 'https' : 'http',
    readyPath: `${options.prefix ?? ''}/v2/`,
    readyMs: options.readyMs ?? 20_000,
    credentials: () => (options.auth === 'admin' ? { username: 'admin', password: standInPassword } : undefined),
    afterStop: () => {
      rmSync(folder, { recursive: true, force: true })
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
    },
  })
}
