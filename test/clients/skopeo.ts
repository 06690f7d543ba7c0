import { type ContainersTool, openContainersTool } from '../services/containers.ts'
import { type Client, newFolder, readPulledLayout } from './client.ts'

/** What skopeo has to know of a registry: nothing for plain HTTP; for TLS a folder with the CA as `ca.crt`. */
export interface SkopeoOptions {
  caFolder?: string
}

/** skopeo, with the tool itself for what goes beyond the common functions. */
export async function openSkopeo({ caFolder }: SkopeoOptions = {}): Promise<Client & { tool: ContainersTool }> {
  const tool = await openContainersTool('skopeo')
  // Strict with a CA, anything goes without one.
  const from = caFolder ? `--src-cert-dir=${caFolder}` : '--src-tls-verify=false'
  const to = caFolder ? `--dest-cert-dir=${caFolder}` : '--dest-tls-verify=false'
  const at = caFolder ? `--cert-dir=${caFolder}` : '--tls-verify=false'
  const pull = async (source: string, ...flags: string[]) => {
    const folder = newFolder(tool.folder)
    await tool.run('copy', '-q', from, ...flags, `docker://${source}`, `oci:${folder}:pulled`)
    return readPulledLayout(folder)
  }
  const push = async (layout: string, tag: string, target: string, ...flags: string[]) => {
    await tool.run('copy', '-q', to, ...flags, `oci:${layout}:${tag}`, `docker://${target}`)
  }
  return {
    name: (await tool.run('--version')).trim(),
    tool,
    async login(host, { username, password }) {
      await tool.run('login', at, '-u', username, '-p', password, host)
    },
    push: (layout, tag, target) => push(layout, tag, target),
    pull: (source) => pull(source),
    async copy(source, target) {
      await tool.run('copy', '-q', '--all', from, to, `docker://${source}`, `docker://${target}`)
    },
    pushIndex: (layout, tag, target) => push(layout, tag, target, '--all'),
    pullIndex: (source) => pull(source, '--all'),
    async tags(image) {
      const answer = await tool.run('list-tags', at, `docker://${image}`)
      return (JSON.parse(answer) as { Tags: string[] }).Tags
    },
    async delete(reference) {
      await tool.run('delete', at, `docker://${reference}`)
    },
    close: tool.close,
  }
}
