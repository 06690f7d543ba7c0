import { expect, test } from 'bun:test'
import { configOf, describeRegistry, digestOf, layerOf } from '../helpers/registry.ts'

describeRegistry('end-09: deleting a manifest', {}, (registry) => {
  const tagsOf = async (image: string) =>
    ((await (await registry.expect(200, 'GET', `/v2/${image}/tags/list`)).json()) as { tags: string[] }).tags

  test('a tag alone goes; its manifest and the other tags stay', async () => {
    const { digest } = await registry.image('a', { tag: 'one' })
    await registry.image('a', { tag: 'two' })
    await registry.expect(202, 'DELETE', '/v2/a/manifests/one')
    await registry.refused(404, 'MANIFEST_UNKNOWN', 'GET', '/v2/a/manifests/one')
    await registry.expect(200, 'GET', '/v2/a/manifests/two')
    await registry.expect(200, 'GET', `/v2/a/manifests/${digest}`)
    expect(await tagsOf('a')).toEqual(['two'])
  })

  test('the last tag may go: the image stays, without tags', async () => {
    await registry.image('last-tag', { tag: 'only' })
    await registry.expect(202, 'DELETE', '/v2/last-tag/manifests/only')
    expect(await tagsOf('last-tag')).toEqual([])
  })

  test('a manifest goes with all its tags, and only with its own', async () => {
    const { digest } = await registry.image('b', { tag: 'one', seed: 'x' })
    await registry.image('b', { tag: 'two', seed: 'x' })
    await registry.image('b', { tag: 'other', seed: 'y' })
    await registry.expect(202, 'DELETE', `/v2/b/manifests/${digest}`)
    for (const gone of [digest, 'one', 'two']) await registry.expect(404, 'HEAD', `/v2/b/manifests/${gone}`)
    expect(await tagsOf('b')).toEqual(['other'])
  })

  test('the same manifest in another image stays', async () => {
    const { digest } = await registry.image('c1', { tag: 'x', seed: 'c' })
    await registry.image('c2', { tag: 'x', seed: 'c' })
    await registry.expect(202, 'DELETE', `/v2/c1/manifests/${digest}`)
    await registry.expect(200, 'GET', '/v2/c2/manifests/x')
    for (const content of [configOf('c'), layerOf('c')]) {
      await registry.expect(200, 'GET', `/v2/c2/blobs/${digestOf(content)}`)
    }
  })

  test('an image whose last manifest is gone is unknown, until it is pushed again', async () => {
    const { digest } = await registry.image('d', { tag: 'x' })
    await registry.expect(202, 'DELETE', `/v2/d/manifests/${digest}`)
    await registry.refused(404, 'NAME_UNKNOWN', 'GET', '/v2/d/tags/list')
    await registry.image('d', { tag: 'x' })
    expect(await tagsOf('d')).toEqual(['x'])
  })

  test('what is not there cannot be deleted', async () => {
    const { digest } = await registry.image('e', { tag: 'x' })
    await registry.refused(404, 'MANIFEST_UNKNOWN', 'DELETE', '/v2/e/manifests/y')
    await registry.refused(404, 'MANIFEST_UNKNOWN', 'DELETE', `/v2/e/manifests/${digestOf('y')}`)
    await registry.refused(404, 'NAME_UNKNOWN', 'DELETE', '/v2/nobody/manifests/x')
    await registry.expect(202, 'DELETE', `/v2/e/manifests/${digest}`)
    await registry.expect(404, 'DELETE', `/v2/e/manifests/${digest}`)
  })

  test('what is no reference is refused', async () => {
    await registry.refused(400, 'DIGEST_INVALID', 'DELETE', '/v2/e/manifests/sha256:x')
    await registry.refused(400, 'TAG_INVALID', 'DELETE', '/v2/e/manifests/.x')
  })

  test('a child of an index may be deleted; the index is still answered', async () => {
    const child = await registry.image('f')
    await registry.index('f', [child], { reference: 'multi' })
    await registry.expect(202, 'DELETE', `/v2/f/manifests/${child.digest}`)
    await registry.expect(200, 'GET', '/v2/f/manifests/multi')
    await registry.expect(404, 'GET', `/v2/f/manifests/${child.digest}`)
  })
})

describeRegistry(
  'deleting where it is switched off',
  { storage: { inmemory: {}, delete: { enabled: false } } },
  (registry) => {
    test('tags, manifests and blobs cannot be deleted, whether they are there or not; cancelling an upload is no deletion', async () => {
      const { digest } = await registry.image('a', { tag: 'x' })
      const targets = [
        'manifests/x',
        `manifests/${digest}`,
        'manifests/y',
        `blobs/${digestOf(layerOf('a'))}`,
        `blobs/${digestOf('y')}`,
      ]
      for (const target of targets) await registry.refused(405, 'UNSUPPORTED', 'DELETE', `/v2/a/${target}`)
      await registry.expect(200, 'GET', '/v2/a/manifests/x')
      await registry.expect(204, 'DELETE', await registry.upload('a'))
    })
  },
)
