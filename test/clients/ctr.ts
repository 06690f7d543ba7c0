import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { run, temporaryFolder } from '../helpers/process.ts'
import type { Credentials } from '../helpers/registry-process.ts'
import { type ContainerdService, startContainerd } from '../services/containerd.ts'
import { type Client, linesOf } from './client.ts'

/** ctr with a containerd of its own. It keeps no credentials: they go along with every command. */
export async function openCtr(
  host: string,
  credentials?: Credentials,
): Promise<Client & { service: ContainerdService }> {
  const service = await startContainerd()
  const { ctr } = service
  service.declareHost(host, `http://${host}`)
  const folder = temporaryFolder('ctr')
  const remote = [
    ...['--hosts-dir', service.hostsDir],
    ...(credentials ? ['--user', `${credentials.username}:${credentials.password}`] : []),
  ]
  const digestOf = async (reference: string) => {
    const row = linesOf(await ctr('images', 'ls', `name==${reference}`)).find((line) => line.startsWith(reference))
    return row?.split(/\s+/)[2] ?? ''
  }
  const load = async (layout: string, tag: string, target: string) => {
    const archive = join(folder, 'archive.tar')
    await run(['tar', '-cf', archive, '-C', layout, '.'])
    await ctr(
      'images',
      'import',
      '--all-platforms',
      '--no-unpack',
      '--base-name',
      target.replace(/:[^:/]+$/, ''),
      archive,
    )
    const loaded = `${target.replace(/:[^:/]+$/, '')}:${tag}`
    if (loaded !== target) await ctr('images', 'tag', '--force', loaded, target)
  }
  const empty = async () => {
    const names = linesOf(await ctr('images', 'ls', '-q'))
    if (names.length > 0) await ctr('images', 'rm', '--sync', ...names)
  }
  const pull = async (source: string, ...flags: string[]) => {
    await empty()
    await ctr('images', 'pull', ...remote, '--snapshotter', 'native', ...flags, source)
    return { digest: await digestOf(source) }
  }
  return {
    name: linesOf(await ctr('--version')).join(' '),
    service,
    async push(layout, tag, target) {
      await load(layout, tag, target)
      await ctr('images', 'push', ...remote, target)
    },
    pull: (source) => pull(source),
    async copy(source, target) {
      await pull(source, '--all-platforms')
      await ctr('images', 'tag', source, target)
      await ctr('images', 'push', ...remote, target)
    },
    async pushIndex(layout, tag, target) {
      await load(layout, tag, target)
      await ctr('images', 'push', ...remote, target)
    },
    pullIndex: (source) => pull(source, '--all-platforms'),
    async close() {
      rmSync(folder, { recursive: true, force: true })
      await service.stop()
    },
  }
}
