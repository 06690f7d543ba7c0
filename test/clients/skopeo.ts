import { type ContainersTool, openContainersTool } from '../services/containers.ts'
import { type Client, newFolder, readPulledLayout } from './client.ts'

/** skopeo, with the tool itself for what goes beyond the common functions. */
export async function openSkopeo(): Promise<Client & { tool: ContainersTool }> {
  const tool = await openContainersTool('skopeo')
  const plainFrom = '--src-tls-verify=false'
  const plainTo = '--dest-tls-verify=false'
  const pull = async (source: string, ...flags: string[]) => {
    const folder = newFolder(tool.folder)
    await tool.run('copy', '-q', plainFrom, ...flags, `docker://${source}`, `oci:${folder}:pulled`)
    return readPulledLayout(folder)
  }
  const push = async (layout: string, tag: string, target: string, ...flags: string[]) => {
    await tool.run('copy', '-q', plainTo, ...flags, `oci:${layout}:${tag}`, `docker://${target}`)
  }
  return {
    name: (await tool.run('--version')).trim(),
    tool,
    async login(host, { username, password }) {
      await tool.run('login', '--tls-verify=false', '-u', username, '-p', password, host)
    },
    push: (layout, tag, target) => push(layout, tag, target),
    pull: (source) => pull(source),
    async copy(source, target) {
      await tool.run('copy', '-q', '--all', plainFrom, plainTo, `docker://${source}`, `docker://${target}`)
    },
    pushIndex: (layout, tag, target) => push(layout, tag, target, '--all'),
    pullIndex: (source) => pull(source, '--all'),
    async tags(image) {
      const answer = await tool.run('list-tags', '--tls-verify=false', `docker://${image}`)
      return (JSON.parse(answer) as { Tags: string[] }).Tags
    },
    async delete(reference) {
      await tool.run('delete', '--tls-verify=false', `docker://${reference}`)
    },
    close: tool.close,
  }
}
