import { join } from 'node:path'
import type { Program } from '../harness/program.ts'

/** A line of so many bytes per second to another server of this machine. */
export function relayTo(url: string, bytesPerSecond: number): Program {
  const script = join(import.meta.dir, '../clients/relay.ts')
  return {
    name: 'relay',
    readyPath: '/v2/',
    version: async () => '',
    command: ({ port }) => ({
      argv: [process.execPath, '--no-install', script, String(port), new URL(url).port, String(bytesPerSecond)],
      env: {},
    }),
  }
}
