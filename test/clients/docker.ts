import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../helpers/process.ts'
import { type DockerService, startDocker } from '../services/docker.ts'
import { type Client, linesOf } from './client.ts'
import { archiveOfLayout } from './docker-archive.ts'

/** docker with a daemon of its own, and the daemon itself for what goes beyond the common functions. */
export async function openDocker(): Promise<Client & { service: DockerService }> {
  const service = await startDocker()
  const { docker } = service
  const folder = temporaryFolder('docker-client')
  const imageId = async (reference: string) => (await docker('image', 'inspect', '-f', '{{.Id}}', reference)).trim()
  return {
    name: `docker ${(await docker('version', '-f', '{{.Client.Version}}')).trim()}`,
    service,
    async login(host, { username, password }) {
      const { code, stderr } = await service.attempt(['login', '-u', username, '--password-stdin', host], password)
      if (code !== 0) throw new Error(stderr)
    },
    async push(layout, tag, target) {
      const archive = join(folder, 'archive.tar')
      writeFileSync(archive, await archiveOfLayout(layout, tag, target))
      await docker('load', '-i', archive)
      await docker('push', target)
    },
    async pull(source) {
      const ids = linesOf(await docker('image', 'ls', '-q', '--no-trunc'))
      if (ids.length > 0) await docker('image', 'rm', '--force', ...new Set(ids))
      await docker('pull', source)
      return { configs: [await imageId(source)] }
    },
    async copy(source, target) {
      await docker('pull', source)
      await docker('tag', source, target)
      await docker('push', target)
    },
    async search(host, term) {
      return linesOf(await docker('search', '--format', '{{.Name}}', `${host}/${term}`)).map((name) =>
        name.slice(name.indexOf('/') + 1),
      )
    },
    async close() {
      rmSync(folder, { recursive: true, force: true })
      await service.stop()
    },
  }
}

/** The digest that `docker push` or `docker pull` printed. */
export const digestIn = (output: string): string | undefined => /digest: (sha256:[0-9a-f]{64})/i.exec(output)?.[1]

/** Whether a name on this machine stands for `::1` alone, so that docker does not take it for an insecure registry. */
export function strictLoopbackName(): string | undefined {
  const hosts = readFileSync('/etc/hosts', 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().split(/\s+/))
  const four = new Set(hosts.filter(([address]) => address !== '::1').flatMap(([, ...names]) => names))
  return hosts
    .find(([address]) => address === '::1')
    ?.slice(1)
    .find((name) => !four.has(name))
}
