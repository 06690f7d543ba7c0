import { expect, test } from 'bun:test'
import { openRegctl } from '../clients/regctl.ts'
import { describeClient, testMs } from './client-flow.ts'

await describeClient(
  'regctl',
  ({ host }) => openRegctl(host),
  { keepsManifests: true },
  ({ client, name, layout, registry }) => {
    const { tool } = client

    test(
      'attaches an artifact to an image and lists it',
      async () => {
        const put = ['artifact', 'put', '--artifact-type', 'application/x.report', '--subject', name('flow/two:v1')]
        const { code, stderr } = await tool.attempt(put, '{}')
        expect(stderr + code).toBe('0')
        expect(await tool.run('artifact', 'list', name('flow/two:v1'))).toContain('application/x.report')
      },
      testMs,
    )

    test(
      'deletes one of two tags of an image, which stays under the other',
      async () => {
        for (const tag of ['keep', 'drop']) await client.push(layout('two'), 'two', name(`tags/two:${tag}`))
        await tool.run('tag', 'delete', name('tags/two:drop'))
        expect(await registry.tags('tags/two')).toEqual(['keep'])
        expect(await registry.pullManifest('tags/two', 'keep')).toBeDefined()
      },
      testMs,
    )

    test(
      'pushes blobs and gets them',
      async () => {
        const pushed = (await tool.attempt(['blob', 'put', name('flow/two')], 'some bytes')).stdout.trim()
        expect(await tool.run('blob', 'get', name('flow/two'), pushed)).toBe('some bytes')
      },
      testMs,
    )
  },
)
