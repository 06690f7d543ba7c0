import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, type Outcome, run, temporaryFolder } from '../helpers/process.ts'
import { installPackages } from './packages.ts'

export type ContainersProgram = 'podman' | 'buildah' | 'skopeo'

/** podman, buildah or skopeo with its own images, credentials and configuration. */
export interface ContainersTool {
  /** For files of the test's own. */
  readonly folder: string
  run(...args: string[]): Promise<string>
  attempt(args: string[], input?: string): Promise<Outcome>
  /** Forgets everything, images included. */
  close(): Promise<void>
}

/** Installs one of them and gives it a folder of its own. Nothing of the user's containers is seen or changed. */
export async function openContainersTool(program: ContainersProgram): Promise<ContainersTool> {
  await installPackages(program, ...(program === 'skopeo' ? [] : ['runc']))
  const folder = temporaryFolder(program)
  mkdirSync(join(folder, 'home'))
  const policy = join(folder, 'policy.json')
  writeFileSync(policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }))
  writeFileSync(join(folder, 'auth.json'), '{}')
  writeFileSync(join(folder, 'registries.conf'), 'unqualified-search-registries = []\n')
  // podman search wants the file to be there.
  writeFileSync(join(folder, 'auth.json'), '{}')
  const store = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs']
  const command = {
    // Machines with both kinds of cgroups at once: crun refuses them, runc does not.
    podman: ['podman', '--runtime', 'runc', ...store, '--cgroup-manager', 'cgroupfs', '--events-backend', 'file'],
    buildah: ['buildah', ...store],
    skopeo: ['skopeo', '--policy', policy],
  }[program]
  const env = {
    ...process.env,
    HOME: join(folder, 'home'),
    REGISTRY_AUTH_FILE: join(folder, 'auth.json'),
    CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
    BUILDAH_ISOLATION: 'chroot',
  }
  return {
    folder,
    run: (...args) => run([...command, ...args], { env, timeoutMs: 300_000 }),
    attempt: (args, input) => attempt([...command, ...args], { env, input, timeoutMs: 300_000 }),
    async close() {
      if (program === 'podman') await attempt([...command, 'rm', '--all', '--force', '--time', '2'], { env })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
