import { type Client, linesOf, newFolder, readPulledLayout } from './client.ts'
import { type GoClient, openGoClient } from './go-client.ts'

/** crane, of go-containerregistry. */
export async function openCrane(): Promise<Client & { tool: GoClient }> {
  const tool = await openGoClient('crane')
  const crane = (...args: string[]) => tool.run('--insecure', ...args)
  const push = async (layout: string, _tag: string, target: string) => {
    await crane('push', layout, target)
  }
  const pull = async (source: string) => {
    const folder = newFolder(tool.folder)
    await crane('pull', '--format', 'oci', source, folder)
    return readPulledLayout(folder)
  }
  return {
    name: `crane ${(await crane('version')).trim()}`,
    tool,
    async login(host, { username, password }) {
      await crane('auth', 'login', '-u', username, '-p', password, host)
      await crane('catalog', host) // its login only writes a file
    },
    push,
    pull,
    async copy(source, target) {
      await crane('copy', source, target)
    },
    pushIndex: push,
    pullIndex: pull,
    tags: async (image) => linesOf(await crane('ls', image)),
    async delete(reference) {
      const digest = (await crane('digest', reference)).trim()
      await crane('delete', `${reference.replace(/:[^:/]+$/, '')}@${digest}`)
    },
    search: async (host, term) => linesOf(await crane('catalog', host)).filter((name) => name.includes(term)),
    close: tool.close,
  }
}
