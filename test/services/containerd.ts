import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, type Outcome, run, startDaemon, temporaryFolder, waitFor } from '../helpers/process.ts'
import { criPull } from './cri.ts'
import { installPackages } from './packages.ts'

/** A containerd of our own with `ctr`. */
export interface ContainerdService {
  /** For `--hosts-dir`. */
  readonly hostsDir: string
  /** How to reach the registry `host` (`127.0.0.1:5000`): its real address, and what to trust for TLS. */
  declareHost(host: string, url: string, ca?: string): void
  ctr(...args: string[]): Promise<string>
  attempt(...args: string[]): Promise<Outcome>
  /** Pulls as the kubelet does, by the Container Runtime Interface; returns the image's id. Only with `configPath`. */
  criPull(image: string): Promise<string>
  log(): string
  stop(): Promise<void>
}

export interface ContainerdOptions {
  /** Folder of the `hosts.toml` files for the Container Runtime Interface, which is switched off without it. */
  configPath?: string
}

const plugins = ['snapshotter.v1.btrfs', 'snapshotter.v1.zfs', 'snapshotter.v1.devmapper', 'snapshotter.v1.aufs']

/** Starts containerd with its whole state in a folder of its own. */
export async function startContainerd({ configPath }: ContainerdOptions = {}): Promise<ContainerdService> {
  await installPackages('containerd', 'runc')
  const folder = temporaryFolder('containerd')
  const socket = join(folder, 'containerd.sock')
  const hostsDir = join(folder, 'hosts')
  mkdirSync(hostsDir)
  const unused = [...(configPath ? [] : ['grpc.v1.cri']), 'internal.v1.opt', ...plugins]
  const names = unused.map((name) => `"io.containerd.${name}"`)
  writeFileSync(
    join(folder, 'config.toml'),
    `version = 2
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = [${names.join(', ')}]
[grpc]
  address = "${socket}"
${configPath ? criSettings(configPath) : ''}`,
  )
  const daemon = startDaemon(['containerd', '--config', join(folder, 'config.toml')], { logFile: join(folder, 'log') })
  const ctr = ['ctr', '--address', socket]
  const stop = async () => {
    await daemon.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await waitFor('containerd', async () => {
      if (!daemon.alive()) throw new Error(`containerd ended\n${daemon.log().slice(-3000)}`)
      return (await attempt([...ctr, 'version'])).code === 0
    })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    hostsDir,
    declareHost(host, url, ca) {
      mkdirSync(join(hostsDir, host), { recursive: true })
      const lines = [`server = "${url}"`, `[host."${url}"]`, '  capabilities = ["pull", "resolve", "push"]']
      if (ca) lines.push(`  ca = "${ca}"`)
      writeFileSync(join(hostsDir, host, 'hosts.toml'), `${lines.join('\n')}\n`)
    },
    ctr: (...args) => run([...ctr, ...args], { timeoutMs: 300_000 }),
    attempt: (...args) => attempt([...ctr, ...args], { timeoutMs: 300_000 }),
    criPull: (image) => criPull(socket, image),
    log: daemon.log,
    stop,
  }
}

/** As in containerd's documentation for 1.x, besides what lets it run beside others. */
const criSettings = (configPath: string) => `[plugins."io.containerd.grpc.v1.cri"]
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${configPath}"
`
