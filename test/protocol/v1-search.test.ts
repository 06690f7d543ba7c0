import { beforeAll, describe, expect, test } from 'bun:test'
import { describeRegistry } from '../helpers/registry.ts'

interface Found {
  query: string
  num_results: number
  results: { name: string; description: string; star_count: number; is_official: boolean; is_automated: boolean }[]
}

describeRegistry('docker search', { repositories: [{ name: 'private' }, { name: 'team' }] }, (registry) => {
  const search = async (query: string) =>
    (await (await registry.expect(200, 'GET', `/v1/search?${query}`)).json()) as Found
  const names = async (query: string) => (await search(query)).results.map(({ name }) => name)

  beforeAll(async () => {
    for (const image of [
      'nginx',
      'my/nginx',
      'team/nginx-exporter',
      'redis',
      'a_b',
      'axb',
      'private/team/hidden-nginx',
    ]) {
      await registry.index(image, [])
    }
    await Promise.all(Array.from({ length: 101 }, (_, i) => registry.index(`many/${i}`, [])))
  })

  test('the ping says that this is a registry of its own', async () => {
    const answer = await registry.expect(200, 'GET', '/v1/_ping')
    expect(answer.headers.get('x-docker-registry-standalone')).toBe('true')
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(await answer.text()).toBe('true')
  })

  test('images whose name contains the term are found, of every repository, by the name they can be pulled by', async () => {
    expect(await search('q=nginx')).toMatchObject({ query: 'nginx', num_results: 3 })
    expect(await names('q=nginx')).toEqual(['my/nginx', 'nginx', 'team/nginx-exporter'])
  })

  test('a result has all that clients read', async () => {
    expect((await search('q=redis')).results).toEqual([
      { name: 'redis', description: '', star_count: 0, is_official: false, is_automated: false },
    ])
  })

  for (const [query, expected] of [
    ['q=NGINX&n=1', ['my/nginx']],
    ['q=%20redis%20', ['redis']],
    ['q=a_b', ['a_b']],
    ['q=%25', []],
    ['q=%5C', []],
    ["q='--", []],
    ['q=%00', []],
    [`q=${'x'.repeat(60_000)}`, []],
    ['q=nothing-like-it', []],
  ] as const) {
    test(`${query.slice(0, 30)} finds ${expected.join(', ') || 'nothing'}`, async () => {
      expect(await names(query)).toEqual([...expected])
    })
  }

  for (const [query, count] of [
    ['', 25],
    ['q=', 25],
    ['q=many&n=3', 3],
    ['q=many&n=100', 100],
    ['q=many&n=1000', 100],
    ['q=many&n=x', 25],
    ['q=many&n=0', 1],
    ['q=many&page_size=7', 7],
  ] as const) {
    test(`"${query}" gives ${count} results`, async () => {
      expect(await names(query)).toHaveLength(count)
    })
  }

  describe('the rest of version 1', () => {
    for (const path of ['/v1/', '/v1', '/v1/repositories/x/images', '/v1/users', '/v1/search/x']) {
      test(`${path} is gone, which is said in JSON`, async () => {
        const answer = await registry.expect(404, 'GET', path)
        expect(answer.headers.get('content-type')).toBe('application/json')
        expect((await answer.json()) as object).toHaveProperty('error')
      })
    }

    test('searching takes GET and HEAD only', async () => {
      await registry.expect(200, 'HEAD', '/v1/search?q=redis')
      await registry.expect(200, 'HEAD', '/v1/_ping')
      await registry.refused(405, 'UNSUPPORTED', 'POST', '/v1/search?q=redis')
    })
  })
})
