import { expect, test } from 'bun:test'
import { openCtr } from '../clients/ctr.ts'
import { describeClient, testMs } from './client-flow.ts'

await describeClient(
  'ctr',
  ({ host, credentials }) => openCtr(host, credentials),
  { keepsManifests: true },
  ({ client, server, name }) => {
    test(
      'is turned away with a wrong password',
      async () => {
        const pull = ['images', 'pull', '--hosts-dir', client.service.hostsDir, '--snapshotter', 'native']
        const { code, stderr } = await client.service.attempt(...pull, '--user', 'admin:wrong', name('flow/two:v1'))
        expect(code).not.toBe(0)
        expect(stderr).toMatch(/401|unauthorized|authorization failed/i)
      },
      testMs,
    )

    test(
      'pulls through a hosts.toml that stands in for another registry',
      async () => {
        client.service.declareHost('images.example.test', server.url)
        const { username, password } = server.credentials!
        const flags = [
          '--hosts-dir',
          client.service.hostsDir,
          '--user',
          `${username}:${password}`,
          '--snapshotter',
          'native',
        ]
        await client.service.ctr('images', 'pull', ...flags, 'images.example.test/flow/two:v1')
      },
      testMs,
    )
  },
)
