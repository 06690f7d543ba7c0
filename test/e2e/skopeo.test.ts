import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { readPulledLayout } from '../clients/client.ts'
import { openSkopeo } from '../clients/skopeo.ts'
import { mediaTypes } from '../helpers/oci.ts'
import { verifyContent } from '../helpers/verify-image.ts'
import { describeClient, testMs } from './client-flow.ts'

const plainFrom = '--src-tls-verify=false'
const plainTo = '--dest-tls-verify=false'

await describeClient(
  'skopeo',
  () => openSkopeo(),
  { keepsManifests: true },
  ({ client, registry, samples, name, layout }) => {
    const { tool } = client

    test(
      'pushes and pulls zstd layers',
      async () => {
        await client.push(layout('zstd'), 'zstd', name('kinds/zstd:v1'))
        expect((await verifyContent(registry, 'kinds/zstd', 'v1')).digest).toBe(samples.zstd.manifest.digest)
        expect((await client.pull(name('kinds/zstd:v1'))).digest).toBe(samples.zstd.manifest.digest)
      },
      testMs,
    )

    test(
      "pushes docker's schema 2",
      async () => {
        const target = `docker://${name('kinds/docker:v1')}`
        await tool.run('copy', '-q', plainTo, '--format', 'v2s2', `oci:${layout('two')}:two`, target)
        const { mediaType, configs } = await verifyContent(registry, 'kinds/docker', 'v1')
        expect(mediaType).toBe(mediaTypes.dockerManifest)
        expect(configs).toEqual([samples.two.config.digest])
      },
      testMs,
    )

    test(
      'syncs a whole image, all tags, to a folder and back',
      async () => {
        for (const tag of ['a', 'b']) await client.push(layout('two'), 'two', name(`sync/from:${tag}`))
        await client.pushIndex!(layout('multi'), 'multi', name('sync/from:multi'))
        const folder = join(tool.folder, 'synced')
        await tool.run('sync', '--all', plainFrom, '--src', 'docker', '--dest', 'dir', name('sync/from'), folder)
        await tool.run('sync', '--all', plainTo, '--src', 'dir', '--dest', 'docker', folder, name('sync/to'))
        expect((await registry.tags('sync/to/from')).toSorted()).toEqual(['a', 'b', 'multi'])
        expect((await verifyContent(registry, 'sync/to/from', 'multi')).digest).toBe(samples.multi.index.digest)
      },
      testMs,
    )

    test(
      'syncs from registry to registry',
      async () => {
        const flags = ['--all', plainFrom, plainTo, '--src', 'docker', '--dest', 'docker']
        await tool.run('sync', ...flags, name('sync/from'), name('sync/direct'))
        for (const tag of ['a', 'b', 'multi']) await verifyContent(registry, 'sync/direct/from', tag)
      },
      testMs,
    )

    test(
      'inspects an image it has not pulled',
      async () => {
        const answer = await tool.run('inspect', '--tls-verify=false', `docker://${name('sync/from:a')}`)
        const { Digest, RepoTags } = JSON.parse(answer) as { Digest: string; RepoTags: string[] }
        expect(Digest).toBe(samples.two.manifest.digest)
        expect(RepoTags.toSorted()).toEqual(['a', 'b', 'multi'])
      },
      testMs,
    )

    test(
      'copies an index with its platforms to an OCI layout',
      async () => {
        const folder = join(tool.folder, 'copied')
        await tool.run('copy', '-q', plainFrom, '--all', `docker://${name('sync/from:multi')}`, `oci:${folder}:x`)
        expect(readPulledLayout(folder).digest).toBe(samples.multi.index.digest)
      },
      testMs,
    )
  },
)
