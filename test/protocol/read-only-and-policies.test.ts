import { describe, expect, test } from 'bun:test'
import {
  configOf,
  describeRegistry,
  digestOf,
  imageManifest,
  layerOf,
  type TestRegistry,
  types,
} from '../helpers/registry.ts'

const readOnly = { inmemory: {}, delete: { enabled: true }, maintenance: { readonly: { enabled: true } } }
const nowhere = '00000000-0000-4000-8000-000000000000'

/** Every way to change something, in an image of a repository that allows none. */
async function changesNothing(registry: TestRegistry, image: string) {
  const digest = digestOf('x')
  const body = JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: [] })
  for (const [method, path] of [
    ['POST', 'blobs/uploads/'],
    ['POST', `blobs/uploads/?digest=${digest}`],
    ['POST', `blobs/uploads/?mount=${digest}&from=a`],
    ['POST', `blobs/uploads/?mount=${digest}`],
    ['PUT', 'manifests/x'],
    ['PUT', `manifests/${digestOf(body)}?tag=x`],
    ['DELETE', 'manifests/x'],
    ['DELETE', `manifests/${digest}`],
    ['DELETE', `blobs/${digest}`],
  ] as const) {
    const { message } = await registry.refused(405, 'UNSUPPORTED', method, `/v2/${image}/${path}`, { body })
    expect(message).toContain('read-only')
  }
}

describeRegistry('a registry in read-only maintenance', { storage: readOnly }, (registry) => {
  test('changes nothing', () => changesNothing(registry, 'a'))

  test('answers what reads', async () => {
    await registry.expect(200, 'GET', '/v2/')
    await registry.expect(200, 'GET', '/v2/_catalog')
    await registry.expect(404, 'GET', '/v2/a/tags/list')
    await registry.expect(404, 'GET', `/v2/a/blobs/uploads/${nowhere}`)
  })
})

const policies = {
  repositories: [
    { name: 'private' },
    { name: 'frozen', writePolicy: 'read-only' },
    { name: 'once', writePolicy: 'allow-once' },
  ],
}
describeRegistry('write policies', policies, (registry) => {
  describe('read-only', () => {
    test('changes nothing in this repository', () => changesNothing(registry, 'frozen/a'))
    test('leaves the others alone', () => registry.image('a', { tag: 'x' }))
  })

  describe('allow-once', () => {
    test('a tag that exists does not move, and says where it points', async () => {
      const first = await registry.image('once/app', { tag: 'v1', seed: 'one' })
      for (const content of [configOf('two'), layerOf('two')]) await registry.blob('once/app', content)
      const body = JSON.stringify(imageManifest('two'))
      const headers = { 'content-type': types.manifest }
      const { detail } = await registry.refused(403, 'DENIED', 'PUT', '/v2/once/app/manifests/v1', { body, headers })
      expect(detail).toEqual({ tag: 'v1', digest: first.digest })
      const byDigest = `/v2/once/app/manifests/${digestOf(body)}?tag=new&tag=v1`
      await registry.refused(403, 'DENIED', 'PUT', byDigest, { body, headers })
      for (const reference of ['new', digestOf(body)])
        await registry.expect(404, 'HEAD', `/v2/once/app/manifests/${reference}`)
      const tag = await registry.expect(200, 'HEAD', '/v2/once/app/manifests/v1')
      expect(tag.headers.get('docker-content-digest')).toBe(first.digest)
    })

    test('the same manifest under the same tag, new tags, and manifests by digest are accepted', async () => {
      await registry.image('once/same', { tag: 'v1' })
      await registry.image('once/same', { tag: 'v1' })
      await registry.image('once/same', { tag: 'v2', seed: 'other' })
      await registry.image('once/same', { seed: 'untagged' })
    })

    test('of two pushes of one new tag at once, one wins', async () => {
      for (const seed of ['a', 'b']) {
        for (const content of [configOf(seed), layerOf(seed)]) await registry.blob('once/race', content)
      }
      const put = (seed: string) =>
        registry.request('PUT', '/v2/once/race/manifests/v1', {
          body: JSON.stringify(imageManifest(seed)),
          headers: { 'content-type': types.manifest },
        })
      const statuses = (await Promise.all([put('a'), put('b')])).map(({ status }) => status)
      expect(statuses.sort()).toEqual([201, 403])
    })
  })
})
