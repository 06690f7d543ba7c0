import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import { startDockerRegistry } from '../services/docker-registry.ts'
import { freePort, startDaemon, temporaryFolder } from './process.ts'
import { cleanEnvironment, readyServer, type Server, type ServerOptions } from './registry-process.ts'

export type { Credentials, Server, ServerOptions } from './registry-process.ts'

const project = resolve(import.meta.dirname, '../..')

/**
 * Starts the registry under test and resolves when it is ready to serve.
 *
 * `ENTREPOT_TEST_SERVER=docker-registry` starts Debian's docker-registry in its place, to tell a mistake in a test from one in the server.
 * Throws with the log's end when the process dies or does not become ready.
 */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const standIn = process.env.ENTREPOT_TEST_SERVER
  if (standIn === 'docker-registry') return startDockerRegistry(options)
  if (standIn && standIn !== 'entrepot')
    throw new Error(`ENTREPOT_TEST_SERVER=${standIn}: use entrepot or docker-registry`)

  const port = options.port ?? (await freePort())
  const dataDir = options.dataDir ?? temporaryFolder('server')
  mkdirSync(dataDir, { recursive: true })
  const settings = { ENTREPOT_HTTP_ADDR: `127.0.0.1:${port}`, ENTREPOT_DATADIR: dataDir, ...options.env }
  const auth = options.auth ?? (speaksOfAuth(options) ? undefined : 'none')
  const command = [join(project, 'bin/entrepot'), 'serve', ...(options.args ?? [])]
  const folder = temporaryFolder('run')
  if (options.config !== undefined) {
    const file = join(folder, 'config.yml')
    writeFileSync(file, typeof options.config === 'string' ? options.config : stringify(options.config))
    command.push('--config', file)
  }
  const daemon = startDaemon(command, {
    logFile: join(folder, 'log'),
    env: { ...cleanEnvironment(), ...(auth === 'none' ? { REGISTRY_AUTH: 'none' } : {}), ...settings },
  })
  return readyServer(daemon, {
    port,
    dataDir,
    scheme: speaksOf(options, 'tls') ? 'https' : 'http',
    readyPath: '/readyz',
    readyMs: options.readyMs ?? 20_000,
    credentials: () =>
      auth === 'admin'
        ? { username: 'admin', password: readFileSync(join(dataDir, 'admin.password'), 'utf8').trim() }
        : undefined,
    afterStop: () => {
      rmSync(folder, { recursive: true, force: true })
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
    },
  })
}

function speaksOf({ env = {}, config = '' }: ServerOptions, topic: 'auth' | 'tls'): boolean {
  const named =
    topic === 'auth'
      ? /^(REGISTRY|ENTREPOT)_(AUTH|USERS|LDAP|OIDC)/
      : /^(REGISTRY|ENTREPOT)_HTTP_TLS_(CERTIFICATE|LETSENCRYPT)/
  const written = topic === 'auth' ? /^\s*"?(auth|users|ldap|oidc)"?:/m : /^\s*"?(certificate|letsencrypt)"?:/m
  const text = typeof config === 'string' ? config : stringify(config)
  return Object.keys(env).some((name) => named.test(name)) || written.test(text)
}

const speaksOfAuth = (options: ServerOptions) => speaksOf(options, 'auth')
