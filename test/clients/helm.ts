import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Credentials } from '../helpers/registry-process.ts'
import { type GoClient, openGoClient } from './go-client.ts'

/** helm, for charts. */
export interface Helm {
  readonly name: string
  readonly tool: GoClient
  login(host: string, credentials: Credentials): Promise<void>
  /** Makes a chart of one config map and returns the path of its archive. */
  package(chart: string, version: string): Promise<string>
  /** Pushes an archive to `host/path`; the chart's name and version are added by helm. Returns the digest it reports. */
  push(archive: string, target: string): Promise<string>
  /** Pulls `host/path/chart` into a folder and returns the archive's path. */
  pull(chart: string, version: string): Promise<string>
  close(): Promise<void>
}

export async function openHelm(): Promise<Helm> {
  const tool = await openGoClient('helm')
  return {
    name: `helm ${(await tool.run('version', '--template', '{{.Version}}')).trim()}`,
    tool,
    async login(host, { username, password }) {
      await tool.run('registry', 'login', '--plain-http', '-u', username, '-p', password, host)
    },
    async package(chart, version) {
      const folder = join(tool.folder, chart)
      mkdirSync(join(folder, 'templates'), { recursive: true })
      writeFileSync(join(folder, 'Chart.yaml'), `apiVersion: v2\nname: ${chart}\nversion: ${version}\n`)
      const map = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${chart}\ndata:\n  hello: world\n`
      writeFileSync(join(folder, 'templates/map.yaml'), map)
      await tool.run('package', folder, '-d', tool.folder)
      return join(tool.folder, `${chart}-${version}.tgz`)
    },
    async push(archive, target) {
      const { code, stdout, stderr } = await tool.attempt(['push', '--plain-http', archive, `oci://${target}`])
      const digest = /Digest: (sha256:[0-9a-f]{64})/.exec(stdout + stderr)?.[1]
      if (code !== 0 || !digest) throw new Error(`helm push ended with ${code}\n${stderr}${stdout}`)
      return digest
    },
    async pull(chart, version) {
      const folder = join(tool.folder, 'pulled')
      mkdirSync(folder, { recursive: true })
      await tool.run('pull', '--plain-http', `oci://${chart}`, '--version', version, '-d', folder)
      return join(folder, `${chart.split('/').at(-1)}-${version}.tgz`)
    },
    close: tool.close,
  }
}
