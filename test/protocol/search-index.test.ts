import { afterEach, describe, expect, test } from 'bun:test'
import { describeOnEachDatabase } from '../helpers/databases.ts'
import { fakeIncoming } from '../helpers/fake-incoming.ts'
import { type Image, makeImage } from '../helpers/oci.ts'
import { openProxyLab, type ProxyLab, startToyUpstream, type ToyUpstream } from '../helpers/proxy-lab.ts'
import { type RudeAnswer, respond } from '../helpers/rude-upstream.ts'
import { type IndexEntry, type SearchIndex, startSearchIndex } from '../helpers/search-index.ts'

const minute = 60_000
const image = makeImage('found', {})
const known: IndexEntry[] = [
  { name: 'nginx', description: 'Official build of Nginx.', star_count: 20_000, is_official: true },
  { name: 'bitnami/nginx', description: 'Bitnami', star_count: 200 },
  { name: 'team/nginx', description: 'Not the one you think', star_count: 1 },
  { name: 'redis', description: 'A store', star_count: 9 },
]

interface Answer {
  num_results: number
  num_pages: number
  page: number
  page_size: number
  results: { name: string; description: string; star_count: number; is_official: boolean }[]
}

/** A group over `private` and `hub`, a proxy that has its index elsewhere, as Docker Hub does. */
interface Lab extends ProxyLab {
  hub: ToyUpstream
  index: SearchIndex
  search(query: string): Promise<Answer>
  names(query: string): Promise<string[]>
  push(name: string): Promise<void>
}

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const part of opened.splice(0).reverse()) await part.close()
})
async function opening<Part extends { close(): Promise<void> }>(part: Promise<Part>): Promise<Part> {
  const got = await part
  opened.push(got)
  return got
}

async function openLab(
  database?: string,
  upstream: object = {},
  members: unknown[] = ['private', 'hub'],
): Promise<Lab> {
  const hub = await opening(startToyUpstream())
  const index = await opening(startSearchIndex(known))
  const settings = { url: hub.url, libraryPrefix: 'always', index: index.url, username: 'us', password: 'secret' }
  const lab = await opening(
    openProxyLab('', {
      more: {
        ...(database && { database }),
        storage: { inmemory: {} },
        repositories: [
          { name: 'private' },
          { name: 'hub', type: 'proxy', upstream: { ...settings, ...upstream } },
          { name: 'images', type: 'group', members, writableMember: 'private' },
        ],
        defaultRepository: 'images',
      },
    }),
  )
  const send = async (method: string, path: string, headers = {}, body?: Uint8Array) =>
    lab.app.handler(fakeIncoming(method, path, headers, { body }))
  const search = async (query: string) => {
    const answer = await send('GET', `/v1/search?${query}`)
    expect(answer.status).toBe(200)
    return (await answer.json()) as Answer
  }
  return {
    ...lab,
    hub,
    index,
    search,
    names: async (query) => (await search(query)).results.map(({ name }) => name),
    async push(name) {
      const { manifest, config, layers }: Image = image
      for (const { digest, bytes } of [config, ...layers])
        expect((await send('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, {}, bytes)).status).toBe(201)
      const headers = { 'content-type': manifest.mediaType }
      expect((await send('PUT', `/v2/${name}/manifests/1`, headers, manifest.bytes)).status).toBe(201)
    },
  }
}

describeOnEachDatabase('a search', (openDatabase) => {
  const lab = async (...more: [object?, unknown[]?]) => openLab((await opening(openDatabase())).url, ...more)

  test('tells of pushed images, then of kept ones, then of what the index finds, each once', async () => {
    const { hub, get, names, search, push } = await lab()
    await push('team/nginx')
    await push('mine/nginx-exporter')
    hub.put('library/nginx', image, '1')
    hub.put('a/nginx', image, '1')
    for (const name of ['nginx', 'a/nginx']) expect((await get(`/v2/${name}/manifests/1`)).status).toBe(200)
    expect(await names('q=nginx')).toEqual([
      'mine/nginx-exporter',
      'team/nginx',
      'a/nginx',
      'library/nginx',
      'bitnami/nginx',
      // The group's own image hides it there.
      'hub/team/nginx',
    ])
    const { results } = await search('q=nginx')
    expect(results[1]).toMatchObject({ name: 'team/nginx', description: '', star_count: 0 })
    expect(results[3]).toMatchObject({ name: 'library/nginx', star_count: 20_000, is_official: true })
    expect(results[4]).toMatchObject({ name: 'bitnami/nginx', description: 'Bitnami', star_count: 200 })
    for (const { name } of results.slice(0, 4)) expect((await get(`/v2/${name}/manifests/1`)).status).toBe(200)
  })

  test('asks the index once for each term and minute, and not without a search', async () => {
    const { index, get, names, pass } = await lab()
    for (const path of ['/v2/_catalog', '/v2/nginx/tags/list', '/v1/_ping', '/v1/search']) await get(path)
    expect(index.terms()).toEqual([])
    await Promise.all([names('q=nginx'), names('q=nginx&n=5'), names('q=redis')])
    await names('q=nginx&page=2&n=1')
    expect(index.terms().sort()).toEqual(['nginx', 'redis'])
    pass(2 * minute)
    await names('q=nginx')
    expect(index.terms()).toHaveLength(3)
  })

  test('does not ask the index when what is here fills the answer', async () => {
    const { index, names, push } = await lab()
    for (const name of ['my/nginx', 'my/nginx2', 'my/nginx3']) await push(name)
    expect(await names('q=nginx&n=2')).toEqual(['my/nginx', 'my/nginx2'])
    expect(index.terms()).toEqual([])
  })

  test('can be leafed through', async () => {
    const { names, search, push } = await lab()
    await push('my/nginx')
    const all = await names('q=nginx&n=100')
    expect(all).toEqual(['my/nginx', 'nginx', 'bitnami/nginx', 'team/nginx'])
    expect(await names('q=nginx&n=3')).toEqual(all.slice(0, 3))
    expect(await search('q=nginx&n=3')).toMatchObject({ num_results: 4, num_pages: 2, page: 1, page_size: 3 })
    expect(await names('q=nginx&n=3&page=2')).toEqual(all.slice(3))
    for (const page of [3, 500, 100_000, -1, 'x']) {
      const expected = typeof page === 'number' && page > 1 ? [] : all.slice(0, 3)
      expect(await names(`q=nginx&n=3&page=${page}`)).toEqual(expected)
    }
  })

  test("gives names that the members' patterns let through", async () => {
    const hub = { repository: 'hub', images: ['library/**'] }
    const { names } = await lab({}, ['private', hub])
    expect(await names('q=nginx')).toEqual(['library/nginx', 'hub/bitnami/nginx', 'hub/team/nginx'])
  })

  test('asks nobody where there is no index', async () => {
    const { index, hub, names } = await lab({ index: 'none' })
    expect(await names('q=nginx')).toEqual([])
    expect([...index.requests, ...hub.requests]).toEqual([])
  })
})

describe('an index', () => {
  test("elsewhere gets no login of ours; the upstream's own does", async () => {
    const challenge: RudeAnswer = (socket, { headers }) =>
      headers['authorization']
        ? respond(socket, 200, {}, JSON.stringify({ results: known }))
        : respond(socket, 401, { 'www-authenticate': 'Basic realm="x"' })
    const elsewhere = await openLab()
    elsewhere.index.rude = challenge
    expect(await elsewhere.names('q=nginx')).toEqual([])
    expect(elsewhere.index.requests.map(({ headers }) => headers['authorization'])).toEqual([undefined])
    const own = await openLab(undefined, { index: 'upstream' })
    own.hub.rude = (socket, request) => {
      void challenge(socket, request)
      return true
    }
    expect(await own.names('q=redis')).toContain('redis')
    expect(own.index.requests).toEqual([])
  })

  const finds =
    (...results: unknown[]): RudeAnswer =>
    (socket) =>
      respond(socket, 200, {}, JSON.stringify({ results }))

  test('cannot put into an answer what is no name of an image, nor what terminals obey', async () => {
    const { index, search } = await openLab()
    index.rude = finds({ name: 'a/../b' }, { name: 'UPPER' }, { name: 'evil.example.com:5000/x' }, { name: 7 }, null, {
      name: 'ok/nginx',
      description: `\u001b[31mred\u001b[0m\r\n${'x'.repeat(2000)}`,
      star_count: -1e99,
    })
    const { results } = await search('q=nginx')
    expect(results.map(({ name }) => name)).toEqual(['ok/nginx'])
    expect(results[0]!.description).toMatch(/^\[31mred \[0m x+$/)
    expect(results[0]!.description).toHaveLength(500)
    expect(results[0]!.star_count).toBe(0)
  })

  const troubles: Record<string, RudeAnswer> = {
    'answers 500': (socket) => respond(socket, 500, {}, 'no'),
    'answers 429': (socket) => respond(socket, 429, { 'retry-after': '60' }),
    'sends no JSON': (socket) => respond(socket, 200, { 'content-type': 'text/html' }, '<html>'),
    'sends too much': (socket) =>
      respond(socket, 200, {}, JSON.stringify({ results: [{ name: 'x'.repeat(2_000_000) }] })),
    'closes the connection': (socket) => void socket.destroy(),
    'leads to a metadata service': (socket) => respond(socket, 302, { location: 'http://169.254.169.254/v1/search' }),
    'begins an answer and never ends it': (socket) => respond(socket, 200, { 'content-length': '100' }, '{"results":['),
  }
  for (const [trouble, rude] of Object.entries(troubles)) {
    test(`that ${trouble} fails no search, is told of in the log, and is left alone for a while`, async () => {
      const { index, hub, names, push, lines, pass, get } = await openLab()
      await push('my/nginx')
      index.rude = rude
      expect(await names('q=nginx')).toEqual(['my/nginx'])
      expect(lines.filter((line) => line.includes('an index could not be searched'))).toHaveLength(1)
      const asked = index.requests.length
      expect(await names('q=ngin')).toEqual(['my/nginx'])
      expect(index.requests.length).toBe(asked)
      // Images come from elsewhere, and are no worse for it.
      hub.put('library/app', image, '1')
      expect((await get('/v2/app/manifests/1')).status).toBe(200)
      index.rude = undefined
      pass(20_000)
      expect(await names('q=nginx')).toContain('nginx')
    }, 10_000)
  }

  test('that the upstream itself is, and that fails, keeps no image from being pulled', async () => {
    const { hub, names, get, pass } = await openLab(undefined, { index: 'upstream' })
    hub.put('library/app', image, '1')
    hub.rude = (socket, { path }) => {
      if (path.startsWith('/v2/library/')) return false
      respond(socket, 500)
      return true
    }
    for (let searches = 0; searches < 4; searches++) {
      expect(await names(`q=nginx${searches}`)).toEqual([])
      pass(20_000)
    }
    expect((await get('/v2/app/manifests/1')).status).toBe(200)
  })

  test('is asked for few terms at a time', async () => {
    const { index, names } = await openLab()
    const waiting = Promise.withResolvers<void>()
    index.rude = async (socket) => {
      await waiting.promise
      respond(socket, 200, {}, '{"results":[]}')
    }
    const searches = Array.from({ length: 30 }, (_, number) => names(`q=term-${number}`))
    await searches.at(-1)
    expect(index.requests.length).toBeLessThanOrEqual(4)
    waiting.resolve()
    await Promise.all(searches)
  })
})
