import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, type Outcome, run, startDaemon, temporaryFolder, waitFor } from '../helpers/process.ts'
import type { Credentials } from '../helpers/registry-process.ts'
import { installPackages } from './packages.ts'

/** A docker daemon of our own and a client that talks to it. */
export interface DockerService {
  /** `docker` with these arguments; must succeed. Returns what it printed. */
  docker(...args: string[]): Promise<string>
  /** The same without the demand to succeed. */
  attempt(args: string[], input?: string): Promise<Outcome>
  /** What the daemon logged. */
  log(): string
  stop(): Promise<void>
}

export interface DockerOptions {
  /** Pull-through cache for Docker Hub. */
  mirror?: string
  /** Folder whose content this daemon finds in /etc/docker, with a daemon.json. */
  etc?: string
  /** Names that only this daemon knows. A name for `::1` is the way to strict TLS: what is on 127.0.0.0/8 docker takes for insecure. */
  hosts?: Record<string, string>
  /** CA file to trust for a registry `host:port`. */
  trust?: Record<string, string>
  /** What the client believes to be logged in with, without anybody having been asked: by the key that docker writes, `https://index.docker.io/v1/`. */
  logins?: Record<string, Credentials>
}

/**
 * Starts dockerd on a socket and folders of its own: no bridge, no firewall rules, no forwarding, nothing of the machine's own docker.
 * dockerd takes registries on 127.0.0.0/8 for insecure by itself.
 */
export async function startDocker(options: DockerOptions = {}): Promise<DockerService> {
  await installPackages('docker.io', 'containerd', 'runc')
  const folder = temporaryFolder('docker')
  for (const name of ['data', 'exec', 'client']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'daemon.json'), options.etc ? readFileSync(join(options.etc, 'daemon.json')) : '{}')
  const auths = Object.entries(options.logins ?? {}).map(([key, { username, password }]) => [
    key,
    { auth: btoa(`${username}:${password}`) },
  ])
  writeFileSync(join(folder, 'client/config.json'), JSON.stringify({ auths: Object.fromEntries(auths) }))
  const host = `unix://${folder}/docker.sock`
  const daemon = startDaemon(
    [
      ...ownEtc(folder, options),
      '/usr/sbin/dockerd',
      ...['--config-file', join(folder, 'daemon.json'), '--host', host, '--pidfile', join(folder, 'pid')],
      ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--storage-driver', 'vfs'],
      ...['--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false', '--bridge=none'],
      ...['--userland-proxy=false', '--exec-opt', 'native.cgroupdriver=cgroupfs'],
      ...(options.mirror ? ['--registry-mirror', options.mirror] : []),
    ],
    { logFile: join(folder, 'log') },
  )
  // Debian's own client: another one may come first in the PATH.
  const program = existsSync('/usr/bin/docker') ? '/usr/bin/docker' : 'docker'
  const env = { ...process.env, DOCKER_HOST: host, DOCKER_CONFIG: join(folder, 'client') }
  const call = (args: string[], input?: string) => attempt([program, ...args], { env, input, timeoutMs: 300_000 })
  const stop = async () => {
    await daemon.stop('SIGTERM', 30_000)
    await releaseNamespaces(join(folder, 'exec/netns'))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await waitFor('dockerd', async () => {
      if (!daemon.alive()) throw new Error(`dockerd ended\n${daemon.log().slice(-3000)}`)
      return (await call(['version'])).code === 0
    })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    docker: (...args) => run([program, ...args], { env, timeoutMs: 300_000 }),
    attempt: call,
    log: daemon.log,
    stop,
  }
}

/** What to put before dockerd so that it sees its own /etc/hosts and /etc/docker, in a mount namespace that ends with it. */
function ownEtc(folder: string, { hosts = {}, trust = {}, etc }: DockerOptions): string[] {
  if (Object.keys(hosts).length + Object.keys(trust).length === 0 && !etc) return []
  const names = Object.entries(hosts).map(([name, address]) => `${address} ${name}\n`)
  writeFileSync(join(folder, 'hosts'), readFileSync('/etc/hosts', 'utf8') + names.join(''))
  const certificates = join(folder, 'etc-docker/certs.d')
  mkdirSync(certificates, { recursive: true })
  if (etc) cpSync(etc, join(folder, 'etc-docker'), { recursive: true })
  for (const [host, ca] of Object.entries(trust)) {
    mkdirSync(join(certificates, host))
    copyFileSync(ca, join(certificates, host, 'ca.crt'))
  }
  mkdirSync('/etc/docker', { recursive: true }) // something to mount over; docker makes it too
  const mount = 'mount --bind "$0/hosts" /etc/hosts && mount --bind "$0/etc-docker" /etc/docker && exec "$@"'
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mount, folder]
}

/** A container that ran leaves a mount behind, which would keep the folder from being removed. */
async function releaseNamespaces(folder: string): Promise<void> {
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) await attempt(['umount', join(folder, name)])
}
