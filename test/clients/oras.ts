import { type Client, linesOf, newFolder, readPulledLayout } from './client.ts'
import { type GoClient, openGoClient } from './go-client.ts'

/** oras. */
export async function openOras(): Promise<Client & { tool: GoClient }> {
  const tool = await openGoClient('oras')
  const push = async (layout: string, tag: string, target: string) => {
    await tool.run('cp', '--no-tty', '--from-oci-layout', '--to-plain-http', `${layout}:${tag}`, target)
  }
  const pull = async (source: string) => {
    const folder = newFolder(tool.folder)
    await tool.run('cp', '--no-tty', '--from-plain-http', '--to-oci-layout', source, `${folder}:pulled`)
    return readPulledLayout(folder)
  }
  return {
    name: `oras ${linesOf(await tool.run('version'))[0]
      ?.split(/\s+/)
      .at(-1)}`,
    tool,
    async login(host, { username, password }) {
      await tool.run('login', '--plain-http', '-u', username, '-p', password, host)
    },
    push,
    pull,
    async copy(source, target) {
      await tool.run('cp', '--no-tty', '--from-plain-http', '--to-plain-http', source, target)
    },
    pushIndex: push,
    pullIndex: pull,
    tags: async (image) => linesOf(await tool.run('repo', 'tags', '--plain-http', image)),
    async delete(reference) {
      await tool.run('manifest', 'delete', '--plain-http', '--force', reference)
    },
    search: async (host, term) =>
      linesOf(await tool.run('repo', 'ls', '--plain-http', host)).filter((name) => name.includes(term)),
    close: tool.close,
  }
}
