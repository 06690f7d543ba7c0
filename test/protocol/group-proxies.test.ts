import { afterEach, describe, expect, test } from 'bun:test'
import { describeOnEachDatabase, type TestDatabase } from '../helpers/databases.ts'
import { fakeIncoming } from '../helpers/fake-incoming.ts'
import { type Image, makeImage, manifestOf, mediaTypes } from '../helpers/oci.ts'
import { openProxyLab, type ProxyLab, startToyUpstream } from '../helpers/proxy-lab.ts'
import { type RudeUpstream, respond, startRudeUpstream } from '../helpers/rude-upstream.ts'

const minute = 60_000
const [one, two, three] = ['one', 'two', 'three'].map((seed) => makeImage(`group ${seed}`, {})) as [Image, Image, Image]
const json = { 'content-type': 'application/json' }

/** Groups over real proxies of upstreams that behave as told. */
describeOnEachDatabase('a group with proxies', (openDatabase) => {
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const part of opened.splice(0).reverse()) await part.close()
  })
  const opening = async <Part extends { close(): Promise<void> }>(part: Promise<Part>) => {
    const got = await part
    opened.push(got)
    return got
  }
  const toy = () => opening(startToyUpstream())

  interface Group extends ProxyLab {
    send(
      method: string,
      path: string,
      options?: { headers?: Record<string, string>; body?: Uint8Array },
    ): Promise<Response>
    push(name: string, image: Image, tag: string): Promise<void>
  }

  /** A group `images`, the default, of `private` and a proxy of each upstream, in this order: `first`, `second` ... */
  async function groupOf(
    upstreams: Pick<RudeUpstream, 'url'>[],
    { members, upstream = {}, more = [] }: { members?: unknown[]; upstream?: object; more?: object[] } = {},
  ): Promise<Group> {
    const names = ['first', 'second', 'third'].slice(0, upstreams.length)
    const proxies = names.map((name, index) => ({
      name,
      type: 'proxy',
      upstream: { url: upstreams[index]!.url, responseTimeout: '2s', idleTimeout: '2s', index: 'none', ...upstream },
    }))
    const group = {
      name: 'images',
      type: 'group',
      members: members ?? ['private', ...names],
      writableMember: 'private',
    }
    const database: TestDatabase = await opening(openDatabase())
    const lab = await opening(
      openProxyLab('', {
        more: {
          database: database.url,
          storage: { inmemory: {}, delete: { enabled: true } },
          repositories: [{ name: 'private' }, ...proxies, group, ...more],
          defaultRepository: 'images',
        },
      }),
    )
    const send: Group['send'] = async (method, path, { headers, body } = {}) =>
      lab.app.handler(fakeIncoming(method, path, headers, { body }))
    return {
      ...lab,
      send,
      async push(name, { manifest, config, layers }, tag) {
        for (const { digest, bytes } of [config, ...layers]) {
          const answer = await send('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: bytes })
          expect(answer.status).toBe(201)
        }
        const headers = { 'content-type': manifest.mediaType }
        const answer = await send('PUT', `/v2/${name}/manifests/${tag}`, { headers, body: manifest.bytes })
        expect(answer.status).toBe(201)
      },
    }
  }

  const digestAt = async (group: ProxyLab, image: string, tag = '1') => {
    const answer = await group.get(`/v2/${image}/manifests/${tag}`)
    return answer.status === 200 ? answer.headers.get('docker-content-digest') : answer.status
  }
  const pull = async (group: ProxyLab, name: string, { manifest, config, layers }: Image, tag = '1') => {
    expect(await digestAt(group, name, tag)).toBe(manifest.digest)
    for (const { digest, bytes } of [config, ...layers]) {
      const answer = await group.get(`/v2/${name}/blobs/${digest}`)
      expect(Buffer.from(await answer.bytes())).toEqual(Buffer.from(bytes))
    }
  }
  const errorOf = async (answer: Response) =>
    ((await answer.json()) as { errors: { code: string; message: string }[] }).errors[0]!

  describe('who answers', () => {
    test('the proxy that comes first wins, and a hosted image wins over all', async () => {
      const [first, second] = [await toy(), await toy()]
      first.put('app', one, '1')
      second.put('app', two, '1')
      const group = await groupOf([first, second])
      await pull(group, 'app', one)
      await group.push('private/app', three, '1')
      await pull(group, 'app', three)
      const before = first.requests.length + second.requests.length
      await pull(group, 'app', three)
      expect(first.requests.length + second.requests.length).toBe(before)
    })

    test('a proxy that is slow to answer does not keep the next one from being asked, and wins all the same', async () => {
      const [first, second] = [await toy(), await toy()]
      const asked = Promise.withResolvers<void>()
      first.rude = async () => {
        await asked.promise
        return false
      }
      second.rude = () => {
        asked.resolve()
        return false
      }
      first.put('both', one, '1')
      second.put('both', two, '1')
      second.put('other', two, '1')
      const group = await groupOf([first, second])
      expect(await digestAt(group, 'both')).toBe(one.manifest.digest)
      expect(await digestAt(group, 'other')).toBe(two.manifest.digest)
    })

    test('where an image was found is remembered for ten minutes, however often it is pulled', async () => {
      const [first, second] = [await toy(), await toy()]
      second.put('app', two, '1')
      const group = await groupOf([first, second], { upstream: { absenceAge: '0s', tagAge: '0s' } })
      expect(await digestAt(group, 'app')).toBe(two.manifest.digest)
      first.put('app', one, '1')
      const asked = first.requests.length
      for (let pulls = 0; pulls < 9; pulls++) {
        group.pass(minute)
        expect(await digestAt(group, 'app')).toBe(two.manifest.digest)
      }
      expect(first.requests.length).toBe(asked)
      group.pass(2 * minute)
      expect(await digestAt(group, 'app')).toBe(one.manifest.digest)
    })

    test('an image that moved to another upstream, or into the hosted member, is found there at once', async () => {
      const [first, second] = [await toy(), await toy()]
      second.put('app', two, '1')
      const group = await groupOf([first, second], { upstream: { absenceAge: '0s', tagAge: '0s' } })
      expect(await digestAt(group, 'app')).toBe(two.manifest.digest)
      second.remove('app', '1')
      first.put('app', one, '1')
      expect(await digestAt(group, 'app')).toBe(one.manifest.digest)
      await group.push('app', three, '1')
      expect(await digestAt(group, 'app')).toBe(three.manifest.digest)
    })

    test("an upstream is not asked for images that its patterns leave out, or that are exclusively another member's", async () => {
      const [first, second] = [await toy(), await toy()]
      for (const image of ['team-a/app', 'library/app', 'tools/app']) {
        first.put(image, one, '1')
        second.put(image, two, '1')
      }
      const group = await groupOf([first, second], {
        members: [
          { repository: 'private', exclusive: ['team-*/**'] },
          { repository: 'first', images: ['library/**', 'team-*/**'] },
          'second',
        ],
      })
      expect(await digestAt(group, 'team-a/app')).toBe(404)
      expect((await group.get(`/v2/team-a/app/blobs/${one.config.digest}`)).status).toBe(404)
      expect((await group.get('/v2/team-a/app/tags/list')).status).toBe(404)
      expect(first.requests.length + second.requests.length).toBe(0)
      expect(await digestAt(group, 'tools/app')).toBe(two.manifest.digest)
      expect(first.requests.length).toBe(0)
      expect(await digestAt(group, 'library/app')).toBe(one.manifest.digest)
    })

    test('a group in a group is as if its members stood there, and each is asked once', async () => {
      const [first, second] = [await toy(), await toy()]
      second.put('app', two, '1')
      const more = [{ name: 'outer', type: 'group', members: ['images', 'second', 'private'] }]
      const group = await groupOf([first, second], { members: ['private', 'first'], more })
      expect(await digestAt(group, 'app')).toBe(404)
      await pull(group, 'outer/app', two)
      expect(first.count('GET', 'manifests')).toBe(1)
      expect(second.count('GET', 'manifests')).toBe(1)
      await group.push('app', three, '1')
      await pull(group, 'outer/app', three)
    })
  })

  describe('an upstream in trouble', () => {
    const dead = () => opening(startRudeUpstream(() => {}))

    test('that accepts and never answers costs one wait and not one for each pull', async () => {
      const [hole, alive] = [await dead(), await toy()]
      const group = await groupOf([hole, alive], { upstream: { responseTimeout: '300ms' } })
      for (let index = 0; index < 20; index++) {
        alive.put(`app-${index}`, two, '1')
        await pull(group, `app-${index}`, two)
      }
      expect(hole.connections()).toBe(1)
      const tags = await group.get('/v2/app-0/tags/list')
      expect(await tags.json()).toEqual({ name: 'app-0', tags: ['1'] })
    })

    test('is tried again after a while, and then has its place back', async () => {
      const [first, second] = [await toy(), await toy()]
      for (const image of ['a', 'b', 'c', 'd']) {
        first.put(image, one, '1')
        second.put(image, two, '1')
      }
      first.rude = (socket) => {
        socket.destroy()
        return true
      }
      const group = await groupOf([first, second])
      expect(await digestAt(group, 'a')).toBe(two.manifest.digest)
      first.rude = undefined
      expect(await digestAt(group, 'b')).toBe(two.manifest.digest)
      group.pass(20_000)
      expect(await digestAt(group, 'c')).toBe(one.manifest.digest)
      expect(await digestAt(group, 'd')).toBe(one.manifest.digest)
    })

    test('keeps what only it has: the pull waits for it', async () => {
      const [first, second] = [await toy(), await toy()]
      first.put('only', one, '1')
      let failures = 3
      first.rude = (socket) => {
        if (failures-- <= 0) return false
        socket.destroy()
        return true
      }
      const group = await groupOf([first, second])
      expect(await digestAt(group, 'other')).toBe(502)
      expect(await digestAt(group, 'only')).toBe(one.manifest.digest)
    })

    test('that refuses one image has not lost its place for others', async () => {
      const [first, second] = [await toy(), await toy()]
      first.put('app', one, '1')
      second.put('app', two, '1')
      first.rude = (socket, { path }) => {
        if (!path.includes('/refused/') && !path.includes('/broken/')) return false
        if (path.includes('/refused/')) respond(socket, 403, json, '{"errors":[{"code":"DENIED"}]}')
        else respond(socket, 200, { 'content-type': mediaTypes.manifest }, '{"schemaVersion":2')
        return true
      }
      const group = await groupOf([first, second])
      expect(await digestAt(group, 'refused')).toBe(403)
      expect(await digestAt(group, 'broken')).toBe(502)
      expect(await digestAt(group, 'app')).toBe(one.manifest.digest)
    })

    const answering = (status: number, headers: Record<string, string> = {}) =>
      opening(startRudeUpstream((socket) => respond(socket, status, { ...json, ...headers }, '{}')))

    for (const [told, statuses] of [
      [404, [404, 404]],
      [429, [503, 429]],
      [429, [429, 404]],
      [502, [503, 404]],
      [502, [403, 503]],
      [403, [404, 403]],
    ] as const) {
      test(`${statuses.join(' and ')} of upstreams are told as ${told}`, async () => {
        const upstreams = await Promise.all(
          statuses.map((status) => answering(status, status === 429 ? { 'retry-after': '30' } : {})),
        )
        const group = await groupOf(upstreams)
        const answer = await group.get('/v2/app/manifests/1')
        expect(answer.status).toBe(told)
        if (told === 429) expect(answer.headers.get('retry-after')).toBe('30')
        if (told !== 404) expect((await errorOf(answer)).message).toMatch(/first|second/)
      })
    }
  })

  describe('lists', () => {
    const tagsOf = (answer: Response) => answer.json() as Promise<{ tags: string[] }>

    test('tags of hosted members and of upstreams are one list, paged', async () => {
      const [first, second] = [await toy(), await toy()]
      for (const tag of ['b', 'd', 'f']) first.put('app', one, tag)
      for (const tag of ['c', 'd', 'g']) second.put('app', two, tag)
      const group = await groupOf([first, second])
      for (const tag of ['a', 'f']) await group.push('private/app', three, tag)
      const pages: string[][] = []
      let next: string | undefined = '/v2/app/tags/list?n=3'
      while (next !== undefined && pages.length < 9) {
        const answer: Response = await group.get(next)
        pages.push((await tagsOf(answer)).tags)
        next = answer.headers.get('link')?.split(';')[0]?.replace(/^<|>$/g, '')
      }
      expect(pages).toEqual([
        ['a', 'b', 'c'],
        ['d', 'f', 'g'],
      ])
      await pull(group, 'app', three, 'f')
      await pull(group, 'app', one, 'd')
    })

    test('a page of 100,000 tags of each upstream reads no more of them than the page needs', async () => {
      const all = Array.from({ length: 100_000 }, (_, index) => `t${String(index).padStart(6, '0')}`)
      const sent: number[] = []
      const huge = () =>
        opening(
          startRudeUpstream((socket, { path }) => {
            const query = new URL(path, 'http://x').searchParams
            const start = all.findIndex((tag) => tag > (query.get('last') ?? ''))
            const tags = all.slice(start, start + Number(query.get('n') ?? all.length))
            sent.push(tags.length)
            const link = `</v2/app/tags/list?n=${tags.length}&last=${tags.at(-1)}>; rel="next"`
            respond(socket, 200, { ...json, link }, JSON.stringify({ name: 'app', tags }))
          }),
        )
      const group = await groupOf([await huge(), await huge(), await huge()])
      const answer = await group.get('/v2/app/tags/list?n=50&last=t054321')
      expect((await tagsOf(answer)).tags).toEqual(all.slice(54_322, 54_372))
      expect(sent).toEqual([51, 51, 51])
    })

    test('an upstream with an order of its own is read to the end, and its tags come in ours', async () => {
      const pages = [['v10', 'v9'], ['latest', 'v1'], ['a']]
      const upstream = await opening(
        startRudeUpstream((socket, { path }) => {
          const at = Number(new URL(path, 'http://x').searchParams.get('at') ?? 0)
          const link = at + 1 < pages.length ? { link: `</v2/app/tags/list?at=${at + 1}>; rel="next"` } : {}
          respond(socket, 200, { ...json, ...link } as Record<string, string>, JSON.stringify({ tags: pages[at] }))
        }),
      )
      const group = await groupOf([upstream])
      expect((await tagsOf(await group.get('/v2/app/tags/list?n=2'))).tags).toEqual(['a', 'latest'])
      expect((await tagsOf(await group.get('/v2/app/tags/list?n=9&last=latest'))).tags).toEqual(['v1', 'v10', 'v9'])
    })

    test('the catalog and a search tell of pushed and of kept images once for each name', async () => {
      const [first, second] = [await toy(), await toy()]
      first.put('lib/app', one, '1')
      second.put('lib/tool', two, '1')
      const group = await groupOf([first, second])
      await group.push('private/lib/app', three, '1')
      await pull(group, 'lib/tool', two)
      await pull(group, 'first/lib/app', one)
      const catalog = (await (await group.get('/v2/_catalog')).json()) as { repositories: string[] }
      expect(catalog.repositories).toEqual([
        'first/lib/app',
        'lib/app',
        'lib/tool',
        'private/lib/app',
        'second/lib/tool',
      ])
      const found = (await (await group.get('/v1/search?q=lib')).json()) as { results: { name: string }[] }
      expect(found.results.map(({ name }) => name)).toEqual(['lib/app', 'lib/tool', 'first/lib/app'])
    })

    test('referrers come from every member, wherever the subject is and however an upstream lists them', async () => {
      const subject = {
        mediaType: one.manifest.mediaType,
        digest: one.manifest.digest,
        size: one.manifest.bytes.length,
      }
      const referrer = (type: string) => {
        const manifest = manifestOf({
          schemaVersion: 2,
          mediaType: mediaTypes.manifest,
          artifactType: type,
          config: { mediaType: mediaTypes.empty, digest: two.config.digest, size: two.config.bytes.length },
          layers: [],
          subject,
        } as { mediaType: string })
        const { digest, mediaType, bytes } = manifest
        return { manifest, entry: { mediaType, digest, size: bytes.length, artifactType: type } }
      }
      const [signature, sbom, scan, old] = ['a/signature', 'a/sbom', 'a/scan', 'a/old'].map(referrer) as [
        ReturnType<typeof referrer>,
        ReturnType<typeof referrer>,
        ReturnType<typeof referrer>,
        ReturnType<typeof referrer>,
      ]
      const index = (...entries: object[]) =>
        manifestOf({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: entries } as { mediaType: string })
      const withApi = await toy()
      withApi.put('app', one, '1')
      withApi.rude = (socket, { path }) => {
        if (!path.includes('/referrers/')) return false
        respond(socket, 200, { 'content-type': mediaTypes.index }, index(sbom.entry).bytes)
        return true
      }
      const withTag = await toy()
      const tag = one.manifest.digest.replace(':', '-')
      withTag.put('app', { manifest: index(scan.entry), config: one.config, layers: [] }, tag)
      const group = await groupOf([withApi, withTag])
      // The subject is at an upstream alone; one referrer is pushed with its subject, the other one as clients of old do it.
      for (const { manifest } of [signature, old])
        await group.push('app', { manifest, config: two.config, layers: [] }, manifest.digest)
      await group.push('app', { manifest: index(old.entry), config: two.config, layers: [] }, tag)

      const listed = async (query = '') => {
        const answer = await group.get(`/v2/app/referrers/${one.manifest.digest}${query}`)
        expect(answer.headers.get('content-type')).toBe(mediaTypes.index)
        return ((await answer.json()) as { manifests: { digest: string }[] }).manifests.map(({ digest }) => digest)
      }
      const all = [signature, sbom, scan, old].map(({ entry }) => entry.digest).sort()
      expect(await listed()).toEqual(all)
      expect(await listed('?artifactType=a/scan')).toEqual([scan.entry.digest])
      expect(await listed('?n=4')).toEqual(all)
    })
  })

  describe('pushing', () => {
    test('what only an upstream has can be mounted and referenced; it then is in the hosted member, and nothing went upstream', async () => {
      const far = await toy()
      far.put('library/base', one, '1')
      const group = await groupOf([far])
      const [layer] = one.layers
      await pull(group, 'library/base', one)
      const mount = `/v2/mine/blobs/uploads/?mount=${layer!.digest}&from=library/base`
      expect((await group.send('POST', mount)).status).toBe(201)
      expect((await group.get(`/v2/private/mine/blobs/${layer!.digest}`)).status).toBe(200)
      const direct = `/v2/mine/blobs/uploads/?mount=${one.config.digest}&from=first/library/base`
      expect((await group.send('POST', direct)).status).toBe(201)
      // A tag of the same image, with not one blob sent.
      const headers = { 'content-type': one.manifest.mediaType }
      const put = await group.send('PUT', '/v2/library/base/manifests/ours', { headers, body: one.manifest.bytes })
      expect(put.status).toBe(201)
      await pull(group, 'private/library/base', one, 'ours')
      expect(new Set(far.requests.map(({ method }) => method))).toEqual(new Set(['GET']))
    })

    test('what only an upstream has cannot be deleted, and nothing is asked of it for that', async () => {
      const far = await toy()
      far.put('library/base', one, '1')
      const group = await groupOf([far])
      await pull(group, 'library/base', one)
      const before = far.requests.length
      for (const path of ['manifests/1', `manifests/${one.manifest.digest}`, `blobs/${one.config.digest}`]) {
        const answer = await group.send('DELETE', `/v2/library/base/${path}`)
        expect(answer.status).toBe(403)
        expect((await errorOf(answer)).message).toContain('only what is in private can be deleted')
      }
      expect(far.requests.length).toBe(before)
      await group.push('library/base', two, '1')
      expect((await group.send('DELETE', '/v2/library/base/manifests/1')).status).toBe(202)
      await pull(group, 'library/base', one)
    })
  })
})
