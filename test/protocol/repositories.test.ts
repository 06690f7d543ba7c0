import { describe, expect, test } from 'bun:test'
import { fakeIncoming } from '../helpers/fake-incoming.ts'
import {
  configOf,
  describeRegistry,
  digestOf,
  imageManifest,
  layerOf,
  type TestRegistry,
  types,
} from '../helpers/registry.ts'

const stores = { blobStores: { fast: { inmemory: {} } } }

const serviceOf = (registry: TestRegistry) => registry.app().repositoriesAs({ kind: 'system', name: '', address: '' })

/** Status and first error of an answer that may be 503. */
async function answer(registry: TestRegistry, method: string, target: string, body?: string) {
  const response = await registry.app().handler(fakeIncoming(method, target, {}, { body }))
  const text = await response.text()
  return { status: response.status, error: text === '' ? undefined : JSON.parse(text).errors?.[0] }
}

const switched = {
  ...stores,
  repositories: [
    { name: 'private' },
    { name: 'closed', online: false },
    { name: 'team' },
    { name: 'other' },
    { name: 'all', type: 'group', members: ['closed', 'private'], writableMember: 'closed' },
  ],
}

describeRegistry('a repository that is offline', switched, (registry) => {
  test('refuses everything about its images with 503, and says that it is offline', async () => {
    const targets = [
      'blobs/uploads/',
      'manifests/v1',
      'tags/list',
      `blobs/${digestOf('x')}`,
      `referrers/${digestOf('x')}`,
    ]
    for (const [index, target] of targets.entries()) {
      const { status, error } = await answer(registry, index === 0 ? 'POST' : 'GET', `/v2/closed/app/${target}`)
      expect([status, error?.code]).toEqual([503, 'UNAVAILABLE'])
      expect(error.message).toStartWith('repository closed is offline')
    }
  })

  test('is passed over by a group, and pushes through the group say why they cannot be', async () => {
    await registry.image('seen', { tag: 'v1' })
    await registry.expect(200, 'GET', '/v2/all/seen/manifests/v1')
    await registry.expect(404, 'GET', '/v2/all/unseen/manifests/v1')
    const { repositories } = (await (await registry.expect(200, 'GET', '/v2/_catalog')).json()) as {
      repositories: string[]
    }
    expect(repositories).toContain('all/seen')
    const { status, error } = await answer(registry, 'POST', '/v2/all/app/blobs/uploads/')
    expect(status).toBe(503)
    expect(error.message).toStartWith('repository closed is offline')
  })

  test('can be one that was just made, has content, and comes back', async () => {
    const service = serviceOf(registry)
    await service.create({ name: 'made' })
    await service.create({ name: 'both', type: 'group', members: ['made', 'private'], writableMember: 'made' })
    await registry.image('both/app', { tag: 'v1' })
    await registry.expect(200, 'GET', '/v2/made/app/manifests/v1')
    await service.setOnline('made', false)
    expect((await answer(registry, 'GET', '/v2/made/app/manifests/v1')).status).toBe(503)
    await registry.expect(404, 'GET', '/v2/both/app/manifests/v1')
    const catalog = async () =>
      ((await (await registry.expect(200, 'GET', '/v2/_catalog')).json()) as { repositories: string[] }).repositories
    expect(await catalog()).not.toContain('made/app')
    const mount = `/v2/team/x/blobs/uploads/?mount=${digestOf(layerOf('both/app'))}&from=made/app`
    await registry.expect(202, 'POST', mount)
    await service.setOnline('made', true)
    await registry.expect(200, 'GET', '/v2/both/app/manifests/v1')
    expect(await catalog()).toContain('made/app')
    await registry.expect(201, 'POST', mount)
  })

  test('a repository with content is removed only when asked to, and then all of it', async () => {
    const service = serviceOf(registry)
    await service.create({ name: 'gone' })
    await registry.image('gone/app', { tag: 'v1' })
    await registry.upload('gone/app')
    await expect(service.remove('gone')).rejects.toThrow('repository gone is not empty: it has 1 images and')
    await service.remove('gone', { withContent: true })
    await registry.expect(404, 'GET', '/v2/gone/app/manifests/v1')
    await service.create({ name: 'gone' })
    expect(await service.usageOf('gone')).toEqual({ bytes: 0, tags: 0, images: 0 })
    await registry.expect(404, 'GET', '/v2/gone/app/tags/list')
  })
})

describeRegistry('two blob stores', switched, (registry) => {
  test('an image moves with its repository, and is pulled and pushed as before', async () => {
    const service = serviceOf(registry)
    await registry.image('other/app', { tag: 'v1' })
    const halfway = await registry.upload('other/app')
    const done = await service.move('other', 'fast')
    expect(done).toMatchObject({ blobs: 2, blobsInAll: 2 })
    await registry.expect(200, 'GET', `/v2/other/app/blobs/${digestOf(layerOf('other/app'))}`)
    await registry.expect(201, 'PUT', `${halfway}?digest=${digestOf('late')}`, { body: 'late' })
    await registry.expect(200, 'GET', `/v2/other/app/blobs/${digestOf('late')}`)
    await registry.image('other/next', { tag: 'v1', seed: 'next' })
    await registry.expect(200, 'GET', '/v2/other/next/manifests/v1')
    expect((await service.move('other', 'fast')).blobs).toBe(0)
    await expect(service.move('other', 'slow')).rejects.toThrow('there is no blob store slow; there are: default, fast')
    await expect(service.move('all', 'fast')).rejects.toThrow('is a group, which keeps nothing')
  })

  test('a mount across stores is answered as an upload', async () => {
    await registry.blob('private/app', 'shared')
    await registry.expect(202, 'POST', `/v2/other/app/blobs/uploads/?mount=${digestOf('shared')}&from=private/app`)
    await registry.expect(202, 'POST', `/v2/other/app/blobs/uploads/?mount=${digestOf('shared')}`)
    await registry.expect(201, 'POST', `/v2/team/app/blobs/uploads/?mount=${digestOf('shared')}&from=private/app`)
  })
})

const limited = {
  repositories: [
    { name: 'private' },
    { name: 'small', quota: { bytes: 1000 } },
    { name: 'race', quota: { bytes: 1000 } },
    { name: 'few', quota: { tags: 2 } },
    { name: 'few-at-once', quota: { tags: 3 } },
    { name: 'once', writePolicy: 'allow-once', mutableTags: ['latest', '*-dev', 'v1.*'] },
  ],
}

describeRegistry('a quota', limited, (registry) => {
  const hundred = (seed: string) => seed.padEnd(100, '.')
  const push = (image: string, content: string) =>
    registry.request('POST', `/v2/${image}/blobs/uploads/?digest=${digestOf(content)}`, { body: content })

  test('of bytes counts each content once, refuses what would go beyond it, and says what is used', async () => {
    for (let n = 0; n < 9; n++) await registry.blob('small/app', hundred(`small ${n}`))
    await registry.blob('small/again', hundred('small 3'))
    expect(await serviceOf(registry).usageOf('small')).toEqual({ bytes: 900, tags: 0, images: 0 })
    const target = `/v2/small/app/blobs/uploads/?digest=${digestOf('x'.repeat(101))}`
    const { message, detail } = await registry.refused(403, 'DENIED', 'POST', target, { body: 'x'.repeat(101) })
    expect(message).toStartWith('repository small has a quota of 1000 bytes, 900 are used, and this needs 101 more')
    expect(detail).toEqual({ quota: 'bytes', limit: 1000, used: 900, needed: 101 })
    await registry.expect(404, 'HEAD', `/v2/small/app/blobs/${digestOf('x'.repeat(101))}`)
    // In two steps: the upload is gone then, too.
    const location = await registry.upload('small/app')
    const finish = `${location}?digest=${digestOf('y'.repeat(101))}`
    await registry.refused(403, 'DENIED', 'PUT', finish, { body: 'y'.repeat(101) })
    await registry.expect(404, 'GET', location)
    // A mount brings content, too.
    await registry.blob('private/app', 'z'.repeat(101))
    const mount = `/v2/small/app/blobs/uploads/?mount=${digestOf('z'.repeat(101))}&from=private/app`
    await registry.refused(403, 'DENIED', 'POST', mount)
    await registry.blob('small/app', hundred('the last'))
    await registry.refused(403, 'DENIED', 'POST', '/v2/small/app/blobs/uploads/')
    const body = JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: [] })
    await registry.refused(403, 'DENIED', 'PUT', '/v2/small/app/manifests/v1', {
      body,
      headers: { 'content-type': types.index },
    })
  })

  test('of bytes is not exceeded by pushes at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 25 }, (_, n) => push(`race/app${n % 3}`, hundred(`race ${n}`))),
    )
    const made = answers.filter(({ status }) => status === 201).length
    expect(answers.every(({ status }) => status === 201 || status === 403)).toBe(true)
    expect(made).toBe(10)
    expect((await serviceOf(registry).usageOf('race')).bytes).toBe(1000)
  })

  test('of tags refuses a new one and lets those there are move', async () => {
    for (const tag of ['a', 'b']) await registry.image('few/app', { tag })
    for (const content of [configOf('new'), layerOf('new')]) await registry.blob('few/app', content)
    const put = { body: JSON.stringify(imageManifest('new')), headers: { 'content-type': types.manifest } }
    const { message } = await registry.refused(403, 'DENIED', 'PUT', '/v2/few/app/manifests/c', put)
    expect(message).toStartWith('repository few has a quota of 2 tags, 2 are used, and this needs 1 more')
    await registry.expect(201, 'PUT', '/v2/few/app/manifests/b', put)
    await registry.expect(201, 'PUT', `/v2/few/app/manifests/${digestOf(put.body)}`, put)
    await registry.expect(202, 'DELETE', '/v2/few/app/manifests/a')
    await registry.expect(201, 'PUT', '/v2/few/app/manifests/c', put)
    expect((await serviceOf(registry).usageOf('few')).tags).toBe(2)
  })

  test('of tags is not exceeded by pushes at once, in whatever image', async () => {
    const images = ['one', 'two', 'three', 'four', 'five'].map((name) => `few-at-once/${name}`)
    for (const image of images)
      for (const content of [configOf(image), layerOf(image)]) await registry.blob(image, content)
    const puts = images.flatMap((image) =>
      ['x', 'y'].map((tag) =>
        registry.request('PUT', `/v2/${image}/manifests/${tag}`, {
          body: JSON.stringify(imageManifest(image)),
          headers: { 'content-type': types.manifest },
        }),
      ),
    )
    const made = (await Promise.all(puts)).filter(({ status }) => status === 201)
    expect(made.length).toBe(3)
    expect((await serviceOf(registry).usageOf('few-at-once')).tags).toBe(3)
  })
})

describeRegistry('tags that may move', limited, (registry) => {
  describe('under allow-once', () => {
    test.each(['latest', 'main-dev', 'v1.2'])('%s moves', async (tag) => {
      await registry.image('once/app', { tag, seed: 'one' })
      return registry.image('once/app', { tag, seed: 'two' })
    })

    test.each(['latest2', 'dev', 'v1', 'v1x2'])('%s does not', async (tag) => {
      await registry.image('once/app', { tag, seed: 'one' })
      await registry.image('once/app', { tag, seed: 'one' })
      for (const content of [configOf('two'), layerOf('two')]) await registry.blob('once/app', content)
      const put = { body: JSON.stringify(imageManifest('two')), headers: { 'content-type': types.manifest } }
      await registry.refused(403, 'DENIED', 'PUT', `/v2/once/app/manifests/${tag}`, put)
    })
  })
})
