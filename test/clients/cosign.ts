import { join } from 'node:path'
import type { Credentials } from '../helpers/registry-process.ts'
import { type GoClient, openGoClient } from './go-client.ts'

/** cosign with a key of its own, and without any service of the outside: no transparency log, no certificates. */
export interface Cosign {
  readonly name: string
  readonly tool: GoClient
  login(host: string, credentials: Credentials): Promise<void>
  /** Signs `host/image@sha256:...`. */
  sign(reference: string): Promise<void>
  /** Throws unless there is a signature by this key. */
  verify(reference: string): Promise<void>
  close(): Promise<void>
}

const plain = '--allow-http-registry'

export async function openCosign(): Promise<Cosign> {
  const tool = await openGoClient('cosign')
  await tool.run('generate-key-pair')
  return {
    name: `cosign ${/GitVersion:\s*(\S+)/.exec(await tool.run('version'))?.[1] ?? ''}`,
    tool,
    async login(host, { username, password }) {
      await tool.run('login', '-u', username, '-p', password, host)
    },
    async sign(reference) {
      const key = ['--key', join(tool.folder, 'cosign.key')]
      await tool.run('sign', ...key, '--yes', plain, '--use-signing-config=false', '--tlog-upload=false', reference)
    },
    async verify(reference) {
      const key = ['--key', join(tool.folder, 'cosign.pub')]
      await tool.run('verify', ...key, plain, '--insecure-ignore-tlog=true', reference)
    },
    close: tool.close,
  }
}
