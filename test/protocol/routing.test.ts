import { describe, expect, test } from 'bun:test'
import { describeRegistry, digestOf } from '../helpers/registry.ts'

describeRegistry('routing', { repositories: [{ name: 'private' }, { name: 'team' }] }, (registry) => {
  describe('names', () => {
    for (const name of [
      'a',
      '0',
      'a.b',
      'a_b',
      'a__b',
      'a-b',
      'a---b',
      'a/b/c/d/e',
      'v2',
      'v2/x',
      'v2/v2',
      'a/blobs',
      'blobs/blobs',
      'a/uploads',
      'a/blobs/uploads',
      'x/manifests',
      'x/manifests/y',
      'x/tags',
      'tags/list',
      'x/tags/list',
      'x/referrers',
      'blobs',
      'manifests',
      'x'.repeat(255),
    ]) {
      test(`${name.slice(0, 30)} is a name: it can be pushed, pulled, listed and referred to`, async () => {
        const { digest } = await registry.index(name, [], { reference: 'list' })
        await registry.expect(200, 'GET', `/v2/${name}/manifests/list`)
        await registry.expect(200, 'GET', `/v2/${name}/manifests/${digest}`)
        const tags = await registry.expect(200, 'GET', `/v2/${name}/tags/list`)
        expect((await tags.json()) as object).toEqual({ name, tags: ['list'] })
        await registry.expect(200, 'GET', `/v2/${name}/referrers/${digest}`)
        const location = await registry.upload(name)
        expect(location).toStartWith(`/v2/${name}/blobs/uploads/`)
        await registry.expect(202, 'PATCH', location, { body: 'x' })
        await registry.expect(204, 'GET', location)
        await registry.expect(201, 'PUT', `${location}?digest=${digestOf('x')}`)
        await registry.expect(200, 'GET', `/v2/${name}/blobs/${digestOf('x')}`)
      })
    }

    for (const name of [
      'A',
      'aB/c',
      'a..b',
      'a___b',
      'a._b',
      '-a',
      'a-',
      '.a',
      'a.',
      '_a',
      'a_',
      'a//b',
      '/a',
      'a/',
      'a/-b',
      'a b',
      'a%20b',
      'a%00b',
      'ä',
      '%C3%A4',
      'a:b',
      'a@b',
      'a%2F%2Fb',
      '..',
      'a/../b',
      'a/%2e%2e/b',
      '%2e%2e%2fetc',
      '%',
      '%zz',
      'x'.repeat(256),
    ]) {
      test(`${name.slice(0, 30)} is no name`, async () => {
        const targets = [`manifests/latest`, `blobs/${digestOf('x')}`, 'tags/list', `referrers/${digestOf('x')}`]
        for (const target of targets) await registry.refused(400, 'NAME_INVALID', 'GET', `/v2/${name}/${target}`)
        await registry.refused(400, 'NAME_INVALID', 'POST', `/v2/${name}/blobs/uploads/`)
        await registry.refused(400, 'NAME_INVALID', 'PUT', `/v2/${name}/manifests/latest`, { body: '{}' })
      })
    }
  })

  describe('repositories', () => {
    test('an image of the default repository has two names', async () => {
      const { digest } = await registry.image('private/both', { tag: 'x' })
      await registry.expect(200, 'GET', `/v2/both/manifests/${digest}`)
      await registry.image('other/both', { tag: 'y' })
      await registry.expect(200, 'GET', '/v2/private/other/both/manifests/y')
    })

    test('the first segment names a repository, the rest is the image; another repository has another image', async () => {
      await registry.image('team/app', { tag: 'x' })
      await registry.expect(200, 'GET', '/v2/team/app/manifests/x')
      await registry.expect(404, 'GET', '/v2/app/manifests/x')
      await registry.expect(404, 'GET', '/v2/private/app/manifests/x')
      await registry.expect(404, 'GET', '/v2/private/team/app/manifests/x')
    })

    test('the name of a repository alone is an image of the default repository', async () => {
      await registry.image('team', { tag: 'x' })
      await registry.expect(200, 'GET', '/v2/private/team/manifests/x')
    })

    test('locations keep the name that the client used', async () => {
      expect(await registry.upload('private/both')).toStartWith('/v2/private/both/')
      expect(await registry.upload('both')).toStartWith('/v2/both/')
    })

    test('an upload started under one name of an image can be finished under the other', async () => {
      const location = await registry.upload('private/both')
      const digest = digestOf('two names')
      await registry.expect(201, 'PUT', `${location.replace('/private/', '/')}?digest=${digest}`, { body: 'two names' })
    })
  })

  describe('what is nowhere', () => {
    for (const path of [
      '/v2/x',
      '/v2/_catalog/',
      '/v2/_oci/ext/discover',
      '/v2/a/tags',
      '/v2/a/tags/',
      '/v2/a/tags/list/',
      '/v2/a/tags/other',
      '/v2/a/manifests',
      '/v2/a/manifests/',
      '/v2/a/manifests/x/y',
      '/v2/a/blobs/',
      '/v2/a/referrers/',
      '/v2/a/blobs/uploads/x/y',
      '/v2/manifests/x',
      '/v2/tags/list',
      '/v2//',
      '/v2/%2F',
      '/v2/a/manifests%2Flatest',
      '/v2/a%2Fmanifests%2Flatest',
      '/v2/a/_oci/ext/discover',
      '/v2/token',
    ]) {
      test(`${path} is 404 in JSON, for every method`, async () => {
        for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
          await registry.refused(404, 'UNSUPPORTED', method, path)
        await registry.expect(404, 'HEAD', path)
      })
    }
  })

  describe('methods', () => {
    for (const [path, allow] of [
      [`/v2/a/blobs/${digestOf('x')}`, ['DELETE', 'GET', 'HEAD']],
      ['/v2/a/manifests/x', ['DELETE', 'GET', 'HEAD', 'PUT']],
      ['/v2/a/blobs/uploads/', ['POST']],
      ['/v2/a/tags/list', ['GET', 'HEAD']],
      [`/v2/a/referrers/${digestOf('x')}`, ['GET', 'HEAD']],
      ['/v2/_catalog', ['GET', 'HEAD']],
    ] as const) {
      test(`${path.slice(0, 30)} allows ${allow.join(', ')}`, async () => {
        for (const method of ['OPTIONS', 'PROPFIND', 'POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'get', 'constructor']) {
          if ((allow as readonly string[]).includes(method)) continue
          const answer = await registry.expect(405, method, path)
          expect(answer.headers.get('allow')?.split(', ').sort()).toEqual([...allow])
        }
      })
    }
  })

  test('an encoded slash in a name is a slash', async () => {
    await registry.image('en/coded', { tag: 'x' })
    await registry.expect(200, 'GET', '/v2/en%2Fcoded/manifests/x')
    await registry.expect(200, 'GET', '/v2/en%2fcoded/tags/list')
  })

  test('ns and other parameters of mirrors change nothing', async () => {
    await registry.image('mirrored', { tag: 'x' })
    await registry.expect(200, 'GET', '/v2/mirrored/manifests/x?ns=docker.io')
  })

  test('a very long path is refused', async () => {
    expect((await registry.request('GET', `/v2/${'a/'.repeat(50_000)}`)).status).toBe(414)
  })
})
