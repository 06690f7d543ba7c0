import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../helpers/process.ts'
import { type DockerOptions, type DockerService, startDocker } from '../services/docker.ts'
import { type Client, linesOf } from './client.ts'
import { archiveOfLayout } from './docker-archive.ts'

/** docker with a daemon of its own, and the daemon itself for what goes beyond the common functions. */
export async function openDocker(options: DockerOptions = {}): Promise<Client & { service: DockerService }> {
  const service = await startDocker(options)
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
      return linesOf(await docker('search', '--format', '{{.Name}}', `${host}/${term}`))
    },
    async close() {
      rmSync(folder, { recursive: true, force: true })
      await service.stop()
    },
  }
}
