import { beforeAll, describe, expect, test } from 'bun:test'
import { randomNames } from '../helpers/names.ts'
import { allPages, describeRegistry, nextOf, type TestRegistry } from '../helpers/registry.ts'

const byteOrder = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The smallest thing that makes an image. */
const make = (registry: TestRegistry, image: string) => registry.index(image, [])

describeRegistry('the catalog', { catalog: { maxentries: 20 } }, (registry) => {
  const list = async (query = '') => {
    const answer = await registry.expect(200, 'GET', `/v2/_catalog${query}`)
    expect(answer.headers.get('content-type')).toBe('application/json')
    return { ...((await answer.json()) as { repositories: string[] }), next: nextOf(answer) }
  }

  test('of an empty registry is an empty list', async () => {
    expect(await list()).toEqual({ repositories: [], next: undefined })
  })

  describe('with images', () => {
    const names = [
      'a',
      'a-b',
      'a.b',
      'a/b',
      'a/b/c',
      'a0',
      'a_b',
      'ab',
      'b',
      'v2/x',
      'z/_catalog'.replace('_', 'x'),
    ].sort(byteOrder)
    beforeAll(async () => {
      await Promise.all(names.map((name) => make(registry, name)))
    })

    test('lists them in byte order, also those whose name another one begins with', async () => {
      expect((await list()).repositories).toEqual(names)
    })

    for (const n of [1, 2, 5, 10, 11, 20]) {
      test(`following Links with n=${n} yields every image once`, async () => {
        expect((await allPages(registry, `/v2/_catalog?n=${n}`, 'repositories')).flat()).toEqual(names)
      })
    }

    for (const last of [...names, '', '0', 'a/', 'zz', 'a~']) {
      test(`last=${last} gives what comes after it`, async () => {
        const { repositories } = await list(`?last=${encodeURIComponent(last)}`)
        expect(repositories).toEqual(names.filter((name) => byteOrder(name, last) > 0))
      })
    }

    test('n=0 is an empty page; a wrong n is refused', async () => {
      expect(await list('?n=0')).toEqual({ repositories: [], next: undefined })
      for (const n of ['-1', 'x', ''])
        await registry.refused(400, 'PAGINATION_NUMBER_INVALID', 'GET', `/v2/_catalog?n=${n}`)
      await registry.refused(400, 'PAGINATION_NUMBER_INVALID', 'GET', '/v2/_catalog?last=%00')
    })

    test('behind a prefix Links have the prefix', async () => {
      const answer = await registry.request('GET', '/v2/_catalog?n=1', { origin: { prefix: '/r' } })
      expect(nextOf(answer)).toBe('/r/v2/_catalog?n=1&last=a')
    })

    test('an image without a manifest is not listed', async () => {
      await registry.blob('only/blobs', 'x')
      expect((await list()).repositories).not.toContain('only/blobs')
    })
  })
})

const settings = {
  catalog: { maxentries: 20 },
  repositories: [{ name: 'private' }, { name: 'a' }, { name: 'm-n' }, { name: 'q' }, { name: 'team' }],
}
describeRegistry('the catalog of several repositories', settings, (registry) => {
  const expected: string[] = []
  beforeAll(async () => {
    const names = randomNames(7, 40, 'amz0', 3)
    for (const [index, name] of names.entries()) {
      const repository = ['', '', 'a/', 'm-n/', 'team/'][index % 5]
      expected.push(`${repository}${name}`)
    }
    expected.push('r', 'team', 'm-n', 'team-x', 'team0', 'a/a/a')
    await Promise.all(expected.map((name) => make(registry, name)))
    expected.sort(byteOrder)
  })

  test('is one list: images of the default repository by their own name, the others with their repository', async () => {
    const { repositories } = (await (await registry.expect(200, 'GET', '/v2/_catalog?n=20')).json()) as {
      repositories: string[]
    }
    expect(repositories).toEqual(expected.slice(0, 20))
  })

  for (const n of [1, 3, 19, 20]) {
    test(`following Links with n=${n} yields every image once, in byte order`, async () => {
      expect((await allPages(registry, `/v2/_catalog?n=${n}`, 'repositories')).flat()).toEqual(expected)
    })
  }

  test('what is listed can be pulled by the name it is listed under; what a repository hides is left out', async () => {
    await make(registry, 'private/team/hidden')
    const names = (await allPages(registry, '/v2/_catalog', 'repositories')).flat()
    expect(names).toEqual(expected)
    for (const name of names) await registry.expect(200, 'GET', `/v2/${name}/tags/list`)
    await registry.expect(200, 'GET', '/v2/private/team/hidden/tags/list')
    await registry.refused(404, 'NAME_UNKNOWN', 'GET', '/v2/team/hidden/tags/list')
  })

  test('a page is full although what stands first in it is hidden', async () => {
    // More than a page, in a repository that has nothing else between its neighbours.
    for (let i = 0; i < 8; i++) await make(registry, `private/q/hidden-${i}`)
    expect((await allPages(registry, '/v2/_catalog?n=2', 'repositories')).flat()).toEqual(expected)
  })
})
