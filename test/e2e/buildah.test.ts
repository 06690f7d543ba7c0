import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBuildah } from '../clients/podman.ts'
import { verifyContent } from '../helpers/verify-image.ts'
import { describeClient, testMs } from './client-flow.ts'

await describeClient('buildah', openBuildah, { keepsManifests: false }, ({ client, name, registry }) => {
  const { tool } = client
  const plain = '--tls-verify=false'

  test(
    'builds from an image of the registry and pushes the result',
    async () => {
      writeFileSync(join(tool.folder, 'added'), 'more')
      writeFileSync(join(tool.folder, 'Containerfile'), `FROM ${name('flow/two:v1')}\nCOPY added /added\n`)
      await tool.run('bud', plain, '--layers', '-t', name('built/app:v1'), tool.folder)
      await tool.run('push', plain, name('built/app:v1'))
      expect((await verifyContent(registry, 'built/app', 'v1')).configs).toHaveLength(1)
      expect(await client.pull(name('built/app:v1'))).toEqual({
        configs: (await verifyContent(registry, 'built/app', 'v1')).configs,
      })
    },
    testMs,
  )
})
