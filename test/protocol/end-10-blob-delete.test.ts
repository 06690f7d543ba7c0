import { test } from 'bun:test'
import { describeRegistry, digestOf, layerOf } from '../helpers/registry.ts'

describeRegistry('end-10: deleting a blob', {}, (registry) => {
  const blob = (image: string, digest: string) => `/v2/${image}/blobs/${digest}`

  for (const algorithm of ['sha256', 'sha512']) {
    test(`a ${algorithm} blob that nothing references is gone at once, and can be pushed again`, async () => {
      const digest = await registry.blob('a', 'loose', algorithm)
      await registry.expect(202, 'DELETE', blob('a', digest))
      await registry.expect(404, 'HEAD', blob('a', digest))
      await registry.refused(404, 'BLOB_UNKNOWN', 'GET', blob('a', digest))
      await registry.refused(404, 'BLOB_UNKNOWN', 'DELETE', blob('a', digest))
      await registry.blob('a', 'loose', algorithm)
      await registry.expect(200, 'GET', blob('a', digest))
    })
  }

  test('the same blob in another image stays', async () => {
    const digest = await registry.blob('b1', 'shared')
    await registry.blob('b2', 'shared')
    await registry.expect(202, 'DELETE', blob('b1', digest))
    await registry.expect(404, 'HEAD', blob('b1', digest))
    await registry.expect(200, 'GET', blob('b2', digest))
  })

  test('a blob that a manifest needs cannot be deleted before the manifest', async () => {
    const image = await registry.image('c', { tag: 'x' })
    const digest = digestOf(layerOf('c'))
    await registry.refused(405, 'UNSUPPORTED', 'DELETE', blob('c', digest))
    await registry.expect(202, 'DELETE', `/v2/c/manifests/${image.digest}`)
    await registry.expect(202, 'DELETE', blob('c', digest))
    await registry.expect(404, 'HEAD', blob('c', digest))
  })

  test('a missing blob is unknown, and what is no digest is refused', async () => {
    await registry.refused(404, 'BLOB_UNKNOWN', 'DELETE', blob('c', digestOf('missing')))
    await registry.refused(404, 'BLOB_UNKNOWN', 'DELETE', blob('nobody', digestOf('missing')))
    await registry.refused(400, 'DIGEST_INVALID', 'DELETE', blob('c', 'sha256:x'))
  })

  test('a deleted blob cannot be mounted from where it was', async () => {
    const digest = await registry.blob('d1', 'was here')
    await registry.expect(202, 'DELETE', blob('d1', digest))
    await registry.expect(202, 'POST', `/v2/d2/blobs/uploads/?mount=${digest}&from=d1`)
    await registry.expect(202, 'POST', `/v2/d2/blobs/uploads/?mount=${digest}`)
  })
})
