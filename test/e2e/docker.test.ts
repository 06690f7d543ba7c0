import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDocker } from '../clients/docker.ts'
import { temporaryFolder } from '../helpers/process.ts'
import { verifyContent } from '../helpers/verify-image.ts'
import { describeClient, testMs } from './client-flow.ts'

/** docker searches by the old protocol only, which docker-registry does not speak. */
async function open() {
  const { search, ...rest } = await openDocker()
  return process.env.ENTREPOT_TEST_SERVER === 'docker-registry' ? rest : { ...rest, search: search! }
}

await describeClient('docker', open, { keepsManifests: false }, ({ client, name, layout, registry, samples }) => {
  const { docker } = client.service

  test(
    'makes a manifest list of images it pushed, and pulls by it',
    async () => {
      await client.push(layout('two'), 'two', name('list/app:amd64'))
      await docker('manifest', 'create', '--insecure', name('list/app:v1'), name('list/app:amd64'))
      await docker('manifest', 'push', '--insecure', name('list/app:v1'))
      expect((await verifyContent(registry, 'list/app', 'v1')).configs).toEqual([samples.two.config.digest])
      expect((await client.pull(name('list/app:v1'))).configs).toEqual([samples.two.config.digest])
    },
    testMs,
  )

  test(
    'pulls by digest',
    async () => {
      const { digest, configs } = await verifyContent(registry, 'flow/two', 'v1')
      expect((await client.pull(`${name('flow/two')}@${digest}`)).configs).toEqual(configs)
    },
    testMs,
  )

  test(
    'pulls an OCI index that another client pushed',
    async () => {
      for (const { manifest, config, layers } of samples.multi.images)
        await registry.pushImage('foreign/multi', { manifest, config, layers })
      await registry.pushManifest('foreign/multi', samples.multi.index, 'v1')
      expect((await client.pull(name('foreign/multi:v1'))).configs).toEqual([samples.two.config.digest])
    },
    testMs,
  )

  test(
    'builds from an image of the registry and pushes the result',
    async () => {
      const folder = temporaryFolder('build')
      writeFileSync(join(folder, 'added'), 'more')
      writeFileSync(join(folder, 'Dockerfile'), `FROM ${name('flow/two:v1')}\nCOPY added /added\n`)
      await docker('build', '-q', '-t', name('built/app:v1'), folder)
      await docker('push', name('built/app:v1'))
      await verifyContent(registry, 'built/app', 'v1')
    },
    testMs,
  )

  test(
    'is refused everything after logging out',
    async () => {
      await docker('logout', name('').replace(/\/$/, ''))
      const { code, stderr } = await client.service.attempt(['pull', name('flow/two:v1')])
      expect(code).not.toBe(0)
      expect(stderr).toMatch(/no basic auth credentials|unauthorized|denied/)
    },
    testMs,
  )
})
