import { describe, expect, test } from 'bun:test'
import {
  allPages,
  configOf,
  describeRegistry,
  digestOf,
  imageManifest,
  layerOf,
  type TestRegistry,
} from '../helpers/registry.ts'

const repositories = [
  { name: 'private' },
  { name: 'team' },
  { name: 'elsewhere', blobStore: 'other' },
  {
    name: 'images',
    type: 'group',
    members: ['private', 'team', 'elsewhere'],
    writableMember: 'private',
  },
  { name: 'outer', type: 'group', members: ['images'] },
  {
    name: 'ruled',
    type: 'group',
    members: [
      { repository: 'private', exclusive: ['team-*', 'team-*/**'] },
      { repository: 'team', images: ['library/**', '!library/secret'] },
    ],
    writableMember: 'private',
  },
]

const settings = { repositories, defaultRepository: 'images', blobStores: { other: { inmemory: {} } } }

const tagsOf = async (registry: TestRegistry, image: string) => {
  const answer = await registry.expect(200, 'GET', `/v2/${image}/tags/list`)
  return ((await answer.json()) as { tags: string[] }).tags
}
const digestAt = async (registry: TestRegistry, image: string, tag: string) => {
  const answer = await registry.expect(200, 'HEAD', `/v2/${image}/manifests/${tag}`)
  return answer.headers.get('docker-content-digest')
}

describeRegistry('groups', settings, (registry) => {
  test('an image of each member is pulled by its own name', async () => {
    for (const member of ['private', 'team', 'elsewhere']) {
      const { digest } = await registry.image(`${member}/of-${member}`, { tag: '1' })
      expect(await digestAt(registry, `of-${member}`, '1')).toBe(digest)
      expect(await digestAt(registry, `outer/of-${member}`, '1')).toBe(digest)
      const layer = await registry.expect(
        200,
        'GET',
        `/v2/of-${member}/blobs/${digestOf(layerOf(`${member}/of-${member}`))}`,
      )
      expect(await layer.text()).toBe(layerOf(`${member}/of-${member}`))
    }
  })

  test('the member that comes first wins a tag, also when it gets it later', async () => {
    const second = await registry.image('team/both', { tag: '1', seed: 'second' })
    expect(await digestAt(registry, 'both', '1')).toBe(second.digest)
    const first = await registry.image('private/both', { tag: '1', seed: 'first' })
    expect(await digestAt(registry, 'both', '1')).toBe(first.digest)
    // By its digest the other one is still there.
    expect(await digestAt(registry, 'both', second.digest)).toBe(second.digest)
  })

  test('a push lands in the writable member', async () => {
    const { digest } = await registry.image('pushed/app', { tag: '1' })
    expect(await digestAt(registry, 'private/pushed/app', '1')).toBe(digest)
    await registry.refused(404, 'NAME_UNKNOWN', 'GET', '/v2/team/pushed/app/manifests/1')
  })

  test('an upload in chunks is found again', async () => {
    const location = await registry.upload('chunked/app')
    await registry.expect(202, 'PATCH', location, { body: 'abc' })
    await registry.expect(204, 'GET', location)
    await registry.expect(201, 'PUT', `${location}?digest=${digestOf('abc')}`)
    await registry.expect(200, 'HEAD', `/v2/chunked/app/blobs/${digestOf('abc')}`)
    await registry.expect(204, 'DELETE', await registry.upload('chunked/app'))
  })

  for (const member of ['team', 'elsewhere']) {
    test(`what ${member} has need not be uploaded again, and is there without it`, async () => {
      const image = `shared/${member}`
      const seed = `shared ${member}`
      await registry.image(`${member}/${image}`, { tag: 'old', seed })
      const config = digestOf(configOf(seed))
      // As clients do: ask, skip what is there, send the manifest.
      await registry.expect(200, 'HEAD', `/v2/${image}/blobs/${config}`)
      await registry.expect(200, 'HEAD', `/v2/${image}/blobs/${digestOf(layerOf(seed))}`)
      await registry.manifest(image, imageManifest(seed, { annotations: { again: 'yes' } }), { reference: 'new' })
      const direct = await registry.expect(200, 'GET', `/v2/private/${image}/blobs/${config}`)
      expect(await direct.text()).toBe(configOf(seed))
      expect(await tagsOf(registry, image)).toEqual(['new', 'old'])
    })
  }

  test('an index is given the images of another member', async () => {
    const child = await registry.image('elsewhere/multi/app', { tag: 'amd64' })
    await registry.index('multi/app', [child], { reference: 'all' })
    expect(await digestAt(registry, 'private/multi/app', child.digest)).toBe(child.digest)
    await registry.expect(200, 'GET', `/v2/private/multi/app/blobs/${digestOf(layerOf('elsewhere/multi/app'))}`)
  })

  test('what no member has is missing', async () => {
    const manifest = imageManifest('nobody has this')
    await registry.refused(400, 'MANIFEST_BLOB_UNKNOWN', 'PUT', '/v2/lacking/app/manifests/1', {
      headers: { 'content-type': manifest.mediaType },
      body: JSON.stringify(manifest),
    })
  })

  test('a blob is mounted from an image of any member, named through the group', async () => {
    await registry.image('team/mount/source', { tag: '1' })
    const digest = digestOf(layerOf('team/mount/source'))
    await registry.expect(201, 'POST', `/v2/mount/target/blobs/uploads/?mount=${digest}&from=mount/source`)
    await registry.expect(200, 'HEAD', `/v2/private/mount/target/blobs/${digest}`)
    await registry.expect(201, 'POST', `/v2/mount/third/blobs/uploads/?mount=${digest}`)
    await registry.expect(202, 'POST', `/v2/mount/fourth/blobs/uploads/?mount=${digest}&from=mount/none`)
  })

  test('lists are merged, sorted and paged', async () => {
    for (const [member, tags] of Object.entries({ private: ['a', 'c', 'e'], team: ['b', 'c', 'f'], elsewhere: ['d'] }))
      for (const tag of tags) await registry.image(`${member}/listed/app`, { tag, seed: 'listed' })
    expect(await tagsOf(registry, 'listed/app')).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
    const pages = await allPages(registry, '/v2/listed/app/tags/list?n=4', 'tags')
    expect(pages).toEqual([
      ['a', 'b', 'c', 'd'],
      ['e', 'f'],
    ])
    const names = (await allPages(registry, '/v2/_catalog?n=3', 'repositories')).flat()
    expect(names).toContain('listed/app')
    expect(names).toContain('team/listed/app')
    expect(names).toContain('outer/listed/app')
    expect(names).toEqual([...new Set(names)].sort())
    const found = (await (await registry.expect(200, 'GET', '/v1/search?q=listed')).json()) as {
      results: { name: string }[]
    }
    expect(found.results.map(({ name }) => name)).toContain('listed/app')
  })

  test('referrers of all members are merged and paged', async () => {
    const subject = await registry.image('private/referred/app', { tag: '1' })
    const referrers: string[] = []
    for (const [index, member] of ['private', 'team', 'elsewhere', 'team', 'private'].entries()) {
      const { digest } = await registry.image(`${member}/referred/app`, {
        seed: `referrer ${index}`,
        extra: { subject },
      })
      referrers.push(digest)
    }
    for (const n of [1, 2, 10]) {
      const seen: string[] = []
      let next: string | undefined = `/v2/referred/app/referrers/${subject.digest}?n=${n}`
      while (next !== undefined && seen.length < 20) {
        const answer: Response = await registry.expect(200, 'GET', next)
        const { manifests } = (await answer.json()) as { manifests: { digest: string }[] }
        seen.push(...manifests.map(({ digest }) => digest))
        next = answer.headers.get('link')?.split(';')[0]?.replace(/^<|>$/g, '')
      }
      expect(seen).toEqual(referrers.toSorted())
    }
  })

  test('what is in the writable member can be deleted; of the rest it is told where it is', async () => {
    const own = await registry.image('deleted/own', { tag: '1' })
    await registry.expect(202, 'DELETE', `/v2/deleted/own/manifests/${own.digest}`)
    await registry.expect(404, 'GET', '/v2/deleted/own/manifests/1')
    const other = await registry.image('team/deleted/other', { tag: '1' })
    for (const reference of ['1', other.digest]) {
      const { message } = await registry.refused(403, 'DENIED', 'DELETE', `/v2/deleted/other/manifests/${reference}`)
      expect(message).toContain('only what is in private can be deleted')
    }
    await registry.expect(404, 'DELETE', '/v2/deleted/none/manifests/1')
  })

  test('a group without a writable member says what to set', async () => {
    const { message } = await registry.refused(403, 'DENIED', 'POST', '/v2/outer/app/blobs/uploads/')
    expect(message).toContain('set writableMember of it')
  })

  test('rules of members keep images apart', async () => {
    await registry.image('team/library/ubuntu', { tag: '1' })
    await registry.image('team/library/secret', { tag: '1' })
    await registry.image('team/team-a/app', { tag: '1' })
    await registry.image('team/other', { tag: '1' })
    await registry.expect(200, 'GET', '/v2/ruled/library/ubuntu/manifests/1')
    for (const image of ['library/secret', 'team-a/app', 'other'])
      await registry.expect(404, 'GET', `/v2/ruled/${image}/manifests/1`)
    await registry.image('ruled/team-a/app', { tag: '2' })
    expect(await tagsOf(registry, 'ruled/team-a/app')).toEqual(['2'])
    const names = (await allPages(registry, '/v2/_catalog?n=2', 'repositories')).flat()
    expect(names).toContain('ruled/library/ubuntu')
    expect(names).not.toContain('ruled/library/secret')
  })
})

describe('connectors', () => {
  const bound = { ...settings, connectors: [{ repository: 'team', host: 'team.example.com' }] }
  describeRegistry('by host', bound, (registry) => {
    const origin = { host: 'Team.example.com:8443' }

    test('images stand under their own names', async () => {
      const { digest } = await registry.image('team/app', { tag: '1' })
      const answer = await registry.expect(200, 'GET', '/v2/app/manifests/1', { origin })
      expect(answer.headers.get('docker-content-digest')).toBe(digest)
      const catalog = await registry.expect(200, 'GET', '/v2/_catalog', { origin })
      expect(await catalog.json()).toEqual({ repositories: ['app'] })
    })

    test('no other repository can be reached, by whatever name', async () => {
      await registry.image('private/hidden', { tag: '1' })
      await registry.refused(404, 'NAME_UNKNOWN', 'GET', '/v2/private/hidden/manifests/1', { origin })
      await registry.refused(404, 'NAME_UNKNOWN', 'GET', '/v2/hidden/manifests/1', { origin })
      const digest = digestOf(layerOf('private/hidden'))
      await registry.expect(202, 'POST', `/v2/mine/blobs/uploads/?mount=${digest}&from=private/hidden`, { origin })
      await registry.expect(202, 'POST', `/v2/mine/blobs/uploads/?mount=${digest}`, { origin })
    })

    test('a name that is that of a repository is part of the image here', async () => {
      await registry.expect(201, 'POST', `/v2/private/x/blobs/uploads/?digest=${digestOf('x')}`, { origin, body: 'x' })
      await registry.expect(200, 'HEAD', `/v2/team/private/x/blobs/${digestOf('x')}`)
    })
  })
})
