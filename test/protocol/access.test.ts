import { beforeAll, describe, expect, test } from 'bun:test'
import {
  allPages,
  configOf,
  describeRegistry,
  digestOf,
  imageManifest,
  layerOf,
  type RequestOptions,
  type TestRegistry,
  types,
} from '../helpers/registry.ts'

// The cheapest cost: what is tested is what users may do, not how long it takes to know them.
const passwordHash = await Bun.password.hash('secret', { algorithm: 'bcrypt', cost: 4 })
const user = (name: string, ...grants: object[]) => ({ name, passwordHash, grants })

const settings = {
  auth: undefined,
  repositories: [
    { name: 'private' },
    { name: 'open' },
    { name: 'vault' },
    { name: 'hub', type: 'proxy', upstream: { url: 'https://registry-1.docker.io' } },
    { name: 'images', type: 'group', members: ['private', 'vault', 'hub'], writableMember: 'private' },
  ],
  defaultRepository: 'images',
  connectors: [{ repository: 'vault', host: 'vault.example.com' }],
  roles: [{ name: 'cleaner', actions: ['pull', 'delete'] }],
  users: [
    { name: 'root', passwordHash, admin: true },
    user('reader', { repository: 'private', role: 'reader' }),
    user('dev', { repository: 'private', role: 'developer', images: ['team-a/**', 'a'] }),
    user('maint', { repository: 'private', role: 'maintainer' }),
    user('cleaner', { repository: 'private', role: 'cleaner' }),
    user('grouper', { repository: 'images', role: 'maintainer' }),
    user('pusher', { repository: 'private', role: 'developer' }, { repository: 'images', role: 'reader' }),
    user('hubber', { repository: 'hub', role: 'reader', images: ['!library/mysql'] }),
    user('through', { repository: 'images', role: 'reader', images: ['!library/mysql'] }),
    user('nobody'),
  ],
  anonymous: { pull: ['open'] },
}

const as = (name: string): { headers: Record<string, string> } =>
  name === '-' ? { headers: {} } : { headers: { authorization: `Basic ${btoa(`${name}:secret`)}` } }

async function push(registry: TestRegistry, image: string, name = 'root') {
  const manifest = imageManifest(image)
  for (const content of [configOf(image), layerOf(image)])
    await registry.expect(201, 'POST', `/v2/${image}/blobs/uploads/?digest=${digestOf(content)}`, {
      ...as(name),
      body: content,
    })
  const body = JSON.stringify(manifest)
  const headers = { ...as(name).headers, 'content-type': manifest.mediaType }
  await registry.expect(201, 'PUT', `/v2/${image}/manifests/1`, { headers, body })
  return digestOf(body)
}

describeRegistry('access', settings, (registry) => {
  const images = [
    'private/a',
    'private/ab',
    'private/team-a/x',
    'private/team-b/x',
    'open/x',
    'vault/s',
    'vault/team-a/x',
  ]
  const digests = new Map<string, string>()
  beforeAll(async () => {
    for (const image of images) digests.set(image, await push(registry, image))
  })

  const statusOf = async (name: string, method: string, target: string, options: RequestOptions = {}) => {
    const headers = { ...options.headers, ...as(name).headers }
    return (await registry.request(method, target, { ...options, headers })).status
  }
  const pull = (name: string, image: string) => statusOf(name, 'GET', `/v2/${image}/manifests/1`)
  const start = (name: string, image: string) => statusOf(name, 'POST', `/v2/${image}/blobs/uploads/`)
  const remove = (name: string, image: string) => statusOf(name, 'DELETE', `/v2/${image}/manifests/none`)

  describe('each role does its own', () => {
    for (const [name, pulls, pushes, deletes] of [
      ['root', 200, 202, 404],
      ['maint', 200, 202, 404],
      ['dev', 200, 202, 403],
      ['reader', 200, 403, 403],
      ['cleaner', 200, 403, 404],
      ['nobody', 403, 403, 403],
      ['-', 401, 401, 401],
    ] as const)
      test(`${name} pulls with ${pulls}, pushes with ${pushes}, deletes with ${deletes}`, async () => {
        const image = 'private/team-a/x'
        expect([await pull(name, image), await start(name, image), await remove(name, image)]).toEqual([
          pulls,
          pushes,
          deletes,
        ])
      })

    test('whoever is known may enter and read numbers only as an admin', async () => {
      expect(await statusOf('nobody', 'GET', '/v2/')).toBe(200)
      expect(await statusOf('-', 'GET', '/v2/')).toBe(401)
      const statuses = ['root', 'maint', '-'].map((name) => statusOf(name, 'GET', '/metrics'))
      expect(await Promise.all(statuses)).toEqual([200, 403, 401])
    })
  })

  describe('what is open to everyone', () => {
    test('is pulled without a login, and nothing else is', async () => {
      expect(await pull('-', 'open/x')).toBe(200)
      expect(await statusOf('-', 'GET', `/v2/open/x/blobs/${digestOf(layerOf('open/x'))}`)).toBe(200)
      expect(await statusOf('-', 'GET', '/v2/open/x/tags/list')).toBe(200)
      expect([await start('-', 'open/x'), await remove('-', 'open/x')]).toEqual([401, 401])
      expect([await pull('-', 'private/a'), await pull('-', 'a'), await pull('-', 'openly/x')]).toEqual([401, 401, 401])
    })

    test('is pulled with the empty password that podman sends when nobody has logged in', async () => {
      const headers = { authorization: 'Basic Og==' }
      await registry.expect(200, 'GET', '/v2/open/x/manifests/1', { headers })
      await registry.expect(401, 'GET', '/v2/', { headers })
      await registry.expect(401, 'GET', '/v2/private/a/manifests/1', { headers })
    })

    test('is pulled with a password for somewhere else, which opens nothing more', async () => {
      const headers = { authorization: `Basic ${btoa('root:wrong')}` }
      await registry.expect(200, 'GET', '/v2/open/x/manifests/1', { headers })
      await registry.expect(401, 'GET', '/v2/private/a/manifests/1', { headers })
      await registry.expect(401, 'GET', '/v2/', { headers })
    })

    test('is listed to strangers alone', async () => {
      expect((await allPages(registry, '/v2/_catalog', 'repositories')).flat()).toEqual(['open/x'])
      const { results } = (await (await registry.expect(200, 'GET', '/v1/search?q=x')).json()) as { results: object[] }
      expect(results).toMatchObject([{ name: 'open/x' }])
    })
  })

  describe('names that look alike', () => {
    for (const [image, status] of [
      ['private/a', 200],
      ['private/ab', 403],
      ['private/team-a/x', 200],
      ['private/team-b/x', 403],
      ['private/team-a', 403],
      ['private/team-ab/x', 403],
      ['private/a/b', 403],
      ['vault/team-a/x', 403],
      ['team-a/x', 403],
    ] as const)
      test(`a developer of team-a pulls ${image} with ${status}`, async () => {
        expect(await pull('dev', image)).toBe(status)
      })
  })

  describe('names in disguise', () => {
    for (const path of [
      'private%2Fteam-b%2Fx',
      'private/team-a%2F..%2Fteam-b/x',
      'private/team-a/../team-b/x',
      'private/team-a/./x',
      'private//team-b/x',
      'private/team-a/x/../../team-b/x',
      'private/TEAM-A/x',
      'private%2fvault%2fs',
      '..%2Fvault/s',
      'private/team-a/%2e%2e/team-b/x',
      'vault%2Fs',
    ])
      test(`${path} leads nowhere a developer of team-a may not go`, async () => {
        const status = await pull('dev', path)
        expect([400, 403, 404]).toContain(status)
      })

    test('an encoded slash is the slash that it stands for', async () => {
      expect(await pull('dev', 'private%2Fteam-a%2Fx')).toBe(200)
      expect(await pull('dev', 'private%2Fteam-b%2Fx')).toBe(403)
    })

    test('a namespace leads to the proxy and is held against it', async () => {
      expect(await statusOf('dev', 'GET', '/v2/team-a/x/manifests/1?ns=docker.io')).toBe(403)
      expect(await statusOf('dev', 'GET', '/v2/private/team-b/x/manifests/1?ns=docker.io')).toBe(403)
    })

    test('the short name of an image of Docker Hub is held against its long one', async () => {
      for (const name of ['hub/mysql', 'hub/library/mysql']) expect(await pull('hubber', name)).toBe(403)
      for (const name of ['mysql', 'library/mysql']) expect(await pull('through', name)).toBe(403)
    })
  })

  describe('a group', () => {
    test('is read by those who may read it, whatever they may do with its members', async () => {
      expect(await pull('grouper', 'a')).toBe(200)
      expect(await pull('grouper', 'images/s')).toBe(200)
      expect([await pull('grouper', 'private/a'), await pull('grouper', 'vault/s')]).toEqual([403, 403])
      expect([await pull('reader', 'a'), await pull('reader', 'images/a')]).toEqual([403, 403])
    })

    test('is written by those who may write its writable member', async () => {
      expect([await start('maint', 'a'), await remove('maint', 'a')]).toEqual([202, 404])
      expect([await start('grouper', 'a'), await remove('grouper', 'a')]).toEqual([403, 403])
      expect([await start('dev', 'team-a/x'), await start('dev', 'team-b/x')]).toEqual([202, 403])
    })

    test('is pushed to from beginning to end with both rights', async () => {
      await push(registry, 'pushed/through', 'pusher')
      expect(await pull('reader', 'private/pushed/through')).toBe(200)
      expect(await statusOf('pusher', 'HEAD', `/v2/pushed/through/blobs/${digestOf('none')}`)).toBe(404)
    })
  })

  test('a connector shows its repository under the rights of that', async () => {
    const at = { headers: { host: 'vault.example.com' } }
    const get = (name: string) =>
      statusOf(name, 'GET', '/v2/team-a/x/manifests/1', { ...at, origin: { host: 'vault.example.com' } })
    expect([await get('root'), await get('dev'), await get('-')]).toEqual([200, 403, 401])
  })

  describe('nothing tells whether something exists', () => {
    const paths = (image: string) =>
      [
        ['GET', `/v2/${image}/manifests/1`],
        ['HEAD', `/v2/${image}/manifests/1`],
        ['GET', `/v2/${image}/manifests/${digestOf('x')}`],
        ['GET', `/v2/${image}/tags/list`],
        ['GET', `/v2/${image}/blobs/${digestOf(layerOf('vault/s'))}`],
        ['GET', `/v2/${image}/referrers/${digests.get('vault/s')}`],
        ['POST', `/v2/${image}/blobs/uploads/`],
        ['PATCH', `/v2/${image}/blobs/uploads/00000000-0000-4000-8000-000000000000`],
        ['PUT', `/v2/${image}/manifests/1`],
        ['DELETE', `/v2/${image}/manifests/1`],
      ] as const

    for (const [name, status] of [
      ['dev', 403],
      ['-', 401],
    ] as const)
      test(`to ${name === '-' ? 'strangers' : name}: images, tags, blobs and repositories that are there and that are not look the same`, async () => {
        const known = paths('vault/s')
        for (const other of ['vault/none', 'no-such-repository/s', 'none'])
          for (const [index, [method, path]] of paths(other).entries()) {
            const answers = await Promise.all(
              [known[index]![1], path].map((target) => registry.request(method, target, as(name))),
            )
            expect(answers.map((answer) => answer.status)).toEqual([status, status])
            const [one, two] = await Promise.all(answers.map((answer) => answer.text()))
            expect(two).toBe(one!)
            const heads = answers.map((answer) => JSON.stringify([...answer.headers]))
            // The challenge says which token would do, in the words of the request.
            expect(heads[1]!.replaceAll(other, 'IMAGE')).toEqual(heads[0]!.replaceAll('vault/s', 'IMAGE'))
          }
      })

    test('a blob is given out under its image alone', async () => {
      const blob = digestOf(layerOf('private/team-b/x'))
      const found = ['private/team-b/x', 'private/team-a/x', 'private/a'].map((image) =>
        statusOf('dev', 'GET', `/v2/${image}/blobs/${blob}`),
      )
      expect(await Promise.all(found)).toEqual([403, 404, 404])
    })

    test('a manifest is given out under its image alone', async () => {
      const digest = digests.get('private/team-b/x')
      expect(await statusOf('dev', 'GET', `/v2/private/team-a/x/manifests/${digest}`)).toBe(404)
    })

    for (const from of ['&from=vault/s', '&from=private/team-b/x', '&from=team-b/x', '&from=no/such', ''])
      test(`a mount ${from === '' ? 'from anywhere' : from.slice(1)} takes nothing that may not be pulled`, async () => {
        for (const image of ['vault/s', 'private/team-b/x']) {
          const mount = `/v2/private/team-a/x/blobs/uploads/?mount=${digestOf(layerOf(image))}${from}`
          const absent = `/v2/private/team-a/x/blobs/uploads/?mount=${digestOf('absent')}${from}`
          expect([await statusOf('dev', 'POST', mount), await statusOf('dev', 'POST', absent)]).toEqual([202, 202])
          expect(await statusOf('dev', 'GET', `/v2/private/team-a/x/blobs/${digestOf(layerOf(image))}`)).toBe(404)
        }
      })

    test('a mount takes what may be pulled', async () => {
      const mount = `/v2/private/team-a/y/blobs/uploads/?mount=${digestOf(layerOf('private/a'))}&from=private/a`
      expect(await statusOf('dev', 'POST', mount)).toBe(201)
    })

    test('referrers of a subject elsewhere are not shown where one may look', async () => {
      const subject = { mediaType: types.manifest, digest: digests.get('vault/s'), size: 1 }
      const signature = JSON.stringify({ ...imageManifest('vault/s'), subject })
      const headers = { ...as('root').headers, 'content-type': types.manifest }
      await registry.expect(201, 'PUT', '/v2/vault/s/manifests/signature', { headers, body: signature })
      const target = `/v2/private/team-a/x/referrers/${subject.digest}`
      const answer = await registry.expect(200, 'GET', target, as('dev'))
      expect(((await answer.json()) as { manifests: object[] }).manifests).toEqual([])
    })
  })

  describe('lists', () => {
    const catalog = async (name: string, n: number) => {
      const pages: string[][] = []
      let next: string | undefined = `/v2/_catalog?n=${n}`
      while (next !== undefined) {
        const answer: Response = await registry.expect(200, 'GET', next, as(name))
        pages.push(((await answer.json()) as { repositories: string[] }).repositories)
        next = answer.headers.get('link')?.match(/<(.*?)>/)?.[1]
      }
      return pages
    }

    for (const n of [1, 2, 100])
      test(`show what may be pulled and nothing else, in full pages of ${n}`, async () => {
        const dev = await catalog('dev', n)
        expect(dev.flat()).toEqual(['open/x', 'private/a', 'private/team-a/x'])
        expect(dev).toHaveLength(Math.ceil(3 / n))
        expect((await catalog('nobody', n)).flat()).toEqual(['open/x'])
        const reader = (await catalog('reader', n)).flat()
        expect(reader).toContain('private/team-b/x')
        expect(reader.filter((name) => !/^(private|open)\//.test(name))).toEqual([])
      })

    test('of an admin have everything', async () => {
      expect((await catalog('root', 100)).flat()).toEqual(expect.arrayContaining(images))
    })

    test('of a search too', async () => {
      const answer = await registry.expect(200, 'GET', '/v1/search?q=team', as('dev'))
      expect(((await answer.json()) as { results: { name: string }[] }).results.map(({ name }) => name)).toEqual([
        'private/team-a/x',
      ])
    })

    test('of tags are given to those who may pull', async () => {
      expect(await statusOf('dev', 'GET', '/v2/private/team-a/x/tags/list')).toBe(200)
      expect(await statusOf('dev', 'GET', '/v2/private/team-b/x/tags/list')).toBe(403)
    })
  })
})
