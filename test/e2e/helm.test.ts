import { afterAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { openHelm } from '../clients/helm.ts'
import { registryClient } from '../helpers/registry-client.ts'
import { failureOf, orSkip, testMs } from './client-flow.ts'

await orSkip('helm', openHelm, (helm, server) => {
  afterAll(helm.close)
  const credentials = server.credentials!
  const registry = registryClient(server)
  const charts = `${server.host}/charts`

  describe(helm.name, () => {
    test(
      'is turned away with a wrong password',
      async () => {
        const wrong = { ...credentials, password: 'wrong' }
        expect(await failureOf(helm.login(server.host, wrong))).toMatch(/unauthorized|denied|401/i)
      },
      testMs,
    )

    test('logs in', () => helm.login(server.host, credentials), testMs)

    test(
      'pushes a chart and pulls the same bytes',
      async () => {
        const archive = await helm.package('hello', '1.2.3')
        const digest = await helm.push(archive, charts)
        expect((await registry.pullManifest('charts/hello', '1.2.3'))?.digest).toBe(digest)
        const pulled = await helm.pull(`${charts}/hello`, '1.2.3')
        expect(readFileSync(pulled).equals(readFileSync(archive))).toBe(true)
      },
      testMs,
    )

    test(
      'pushes the same chart again',
      async () => {
        await helm.push(await helm.package('hello', '1.2.3'), charts)
        expect(await registry.tags('charts/hello')).toEqual(['1.2.3'])
      },
      testMs,
    )

    test(
      'pushes a version with build metadata, whose plus sign no tag may have',
      async () => {
        await helm.push(await helm.package('hello', '1.3.0+build.7'), charts)
        expect((await registry.tags('charts/hello')).toSorted()).toEqual(['1.2.3', '1.3.0_build.7'])
        await helm.pull(`${charts}/hello`, '1.3.0+build.7')
      },
      testMs,
    )

    test(
      'shows a chart, and finds the newest version by a range',
      async () => {
        expect(
          await helm.tool.run('show', 'chart', '--plain-http', `oci://${charts}/hello`, '--version', '^1.2.0'),
        ).toContain('version: 1.3.0')
      },
      testMs,
    )
  })
})
