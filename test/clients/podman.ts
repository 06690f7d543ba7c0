import { type ContainersTool, openContainersTool } from '../services/containers.ts'
import { type Client, linesOf } from './client.ts'

const plain = '--tls-verify=false'

/** podman, with the tool itself for what goes beyond the common functions. */
export async function openPodman(): Promise<Client & { tool: ContainersTool }> {
  const tool = await openContainersTool('podman')
  return { ...(await enginelike(tool)), tool, ...searching(tool) }
}

/** buildah shares its image store and most of its commands with podman. */
export async function openBuildah(): Promise<Client & { tool: ContainersTool }> {
  const tool = await openContainersTool('buildah')
  return { ...(await enginelike(tool)), tool }
}

async function enginelike(tool: ContainersTool): Promise<Client> {
  const lastLine = (text: string) => linesOf(text).at(-1) ?? ''
  const empty = async () => {
    await tool.run('rmi', '--all', '--force')
  }
  return {
    name: (await tool.run('--version')).trim(),
    async login(host, { username, password }) {
      await tool.run('login', plain, '-u', username, '-p', password, host)
    },
    async push(layout, tag, target) {
      const id = lastLine(await tool.run('pull', '-q', `oci:${layout}:${tag}`))
      await tool.run('push', '-q', plain, id, `docker://${target}`)
    },
    async pull(source) {
      await empty()
      return { configs: [`sha256:${lastLine(await tool.run('pull', '-q', plain, source)).replace('sha256:', '')}`] }
    },
    async copy(source, target) {
      await tool.run('pull', '-q', plain, source)
      await tool.run('push', '-q', plain, source, `docker://${target}`)
    },
    async pushIndex(layout, tag, target) {
      await tool.attempt(['manifest', 'rm', 'entrepot-index'])
      await tool.run('manifest', 'create', 'entrepot-index')
      await tool.run('manifest', 'add', '--all', 'entrepot-index', `oci:${layout}:${tag}`)
      await tool.run('manifest', 'push', '-q', '--all', plain, 'entrepot-index', `docker://${target}`)
    },
    close: tool.close,
  }
}

function searching(tool: ContainersTool): Pick<Client, 'tags' | 'search'> {
  return {
    async tags(image) {
      const answer = await tool.run('search', plain, '--list-tags', '--limit', '1000', '--format', 'json', image)
      return (JSON.parse(answer) as { Tags: string[] }[]).flatMap(({ Tags }) => Tags)
    },
    async search(host, term) {
      const answer = await tool.run('search', plain, '--limit', '100', '--format', '{{.Name}}', `${host}/${term}`)
      return linesOf(answer).map((name) => name.slice(name.indexOf('/') + 1))
    },
  }
}
