import { beforeAll, expect, test } from 'bun:test'
import { type Descriptor, describeRegistry, digestOf, imageManifest, types } from '../helpers/registry.ts'

describeRegistry('end-03: getting a manifest', {}, (registry) => {
  const content = JSON.stringify(imageManifest('app'))
  let image: Descriptor
  beforeAll(async () => {
    image = await registry.image('team/app', { tag: 'v1', seed: 'app' })
  })

  for (const by of ['tag', 'digest'] as const) {
    const path = () => `/v2/team/app/manifests/${by === 'tag' ? 'v1' : image.digest}`

    test(`GET by ${by} answers the very bytes with their type, length and digest`, async () => {
      const answer = await registry.expect(200, 'GET', path())
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': types.manifest,
        'content-length': String(content.length),
        'docker-content-digest': image.digest,
        etag: `"${image.digest}"`,
      })
      expect(await answer.text()).toBe(content)
    })

    test(`HEAD by ${by} answers the same head`, async () => {
      const answer = await registry.expect(200, 'HEAD', path())
      expect(answer.headers.get('content-type')).toBe(types.manifest)
      expect(answer.headers.get('content-length')).toBe(String(content.length))
      expect(answer.headers.get('docker-content-digest')).toBe(image.digest)
    })

    for (const tag of ['"D"', 'D', 'W/"D"', '"x", "D"', '*']) {
      test(`by ${by}, If-None-Match ${tag} with the digest as D answers 304`, async () => {
        for (const method of ['GET', 'HEAD']) {
          const headers = { 'if-none-match': tag.replace('D', image.digest) }
          const answer = await registry.expect(304, method, path(), { headers })
          expect(answer.headers.get('docker-content-digest')).toBe(image.digest)
          expect(answer.body).toBeNull()
        }
      })
    }
  }

  for (const accept of [
    types.index,
    `${types.dockerManifest};q=0.5`,
    `${types.manifest}, */*`,
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
    'text/html',
  ]) {
    test(`what was pushed is answered to a client that accepts ${accept}`, async () => {
      const answer = await registry.expect(200, 'GET', '/v2/team/app/manifests/v1', { headers: { accept } })
      expect(answer.headers.get('content-type')).toBe(types.manifest)
      expect(await answer.text()).toBe(content)
    })
  }

  test('an encoded colon is a colon', async () => {
    await registry.expect(200, 'GET', `/v2/team/app/manifests/${image.digest.replace(':', '%3A')}`)
  })

  test('a tag that moved leaves the manifest before reachable by its digest', async () => {
    const first = await registry.image('team/moved', { tag: 'latest', seed: 'one' })
    const second = await registry.image('team/moved', { tag: 'latest', seed: 'two' })
    const answer = await registry.expect(200, 'HEAD', '/v2/team/moved/manifests/latest')
    expect(answer.headers.get('docker-content-digest')).toBe(second.digest)
    await registry.expect(200, 'GET', `/v2/team/moved/manifests/${first.digest}`)
  })

  test('a manifest of another image is unknown here', async () => {
    await registry.image('team/elsewhere', { tag: 'v1' })
    await registry.refused(404, 'MANIFEST_UNKNOWN', 'GET', `/v2/team/elsewhere/manifests/${image.digest}`)
  })

  for (const reference of [
    'missing',
    '.INVALID_MANIFEST_NAME',
    '-x',
    'a'.repeat(129),
    '%00',
    'a%20b',
    digestOf('missing'),
  ]) {
    test(`there is no ${reference.slice(0, 40)} in an image that exists`, async () => {
      const path = `/v2/team/app/manifests/${reference}`
      await registry.refused(404, 'MANIFEST_UNKNOWN', 'GET', path)
      await registry.expect(404, 'HEAD', path)
    })
  }

  test('an image that nobody has pushed is unknown as such', async () => {
    const { message } = await registry.refused(404, 'NAME_UNKNOWN', 'GET', '/v2/nobody/pushed/manifests/latest')
    expect(message).toContain('no such image')
    await registry.expect(404, 'HEAD', '/v2/nobody/pushed/manifests/latest')
  })

  for (const reference of ['sha256:totallywrong', 'sha256:', `md5:${'a'.repeat(32)}`, 'a:b', ':']) {
    test(`${reference} has a colon and is no digest: an error, never a tag`, async () => {
      await registry.refused(400, 'DIGEST_INVALID', 'GET', `/v2/team/app/manifests/${reference}`)
      await registry.expect(400, 'HEAD', `/v2/team/app/manifests/${reference}`)
    })
  }
})
