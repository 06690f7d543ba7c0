import { type Client, linesOf, newFolder, readPulledLayout } from './client.ts'
import { type GoClient, openGoClient } from './go-client.ts'

/** regctl, of regclient. */
export async function openRegctl(host: string): Promise<Client & { tool: GoClient }> {
  const tool = await openGoClient('regctl')
  await tool.run('registry', 'set', '--skip-check', '--tls', 'disabled', host)
  const push = async (layout: string, tag: string, target: string) => {
    await tool.run('image', 'copy', `ocidir://${layout}:${tag}`, target)
  }
  const pull = async (source: string) => {
    const folder = newFolder(tool.folder)
    await tool.run('image', 'copy', source, `ocidir://${folder}:pulled`)
    return readPulledLayout(folder)
  }
  return {
    name: `regctl ${(await tool.run('version', '--format', '{{.VCSTag}}')).trim()}`,
    tool,
    async login(to, { username, password }) {
      await tool.run('registry', 'login', '--user', username, '--pass', password, to)
    },
    push,
    pull,
    async copy(source, target) {
      await tool.run('image', 'copy', source, target)
    },
    pushIndex: push,
    pullIndex: pull,
    tags: async (image) => linesOf(await tool.run('tag', 'ls', image)),
    async delete(reference) {
      await tool.run('manifest', 'delete', '--force-tag-dereference', reference)
    },
    search: async (to, term) => linesOf(await tool.run('repo', 'ls', to)).filter((name) => name.includes(term)),
    close: tool.close,
  }
}
