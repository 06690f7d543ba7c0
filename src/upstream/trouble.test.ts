import { afterEach, describe, expect, test } from 'bun:test'
import { type RudeAnswer, type RudeUpstream, respond, startRudeUpstream } from '../../test/helpers/rude-upstream.ts'
import { guardWith, upstreamAt } from '../../test/helpers/upstream.ts'
import { digestOf } from '../content/digest.ts'
import type { AppError } from '../errors.ts'
import { createOutbound } from './outbound.ts'

const manifest = Buffer.from('{"schemaVersion":2}')
const digest = digestOf(manifest)
const type = 'application/vnd.oci.image.manifest.v1+json'
const told = { 'content-type': type, 'docker-content-digest': digest }

const running: RudeUpstream[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.close()
})
async function rude(answer: RudeAnswer, address?: string): Promise<RudeUpstream> {
  const server = await startRudeUpstream(answer, address ? { address } : {})
  running.push(server)
  return server
}
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable(),
    (error: AppError) => error,
  )

describe('trouble of an upstream is told truly', () => {
  const answers: [status: number, headers: Record<string, string>, code: string][] = [
    [401, {}, 'unauthenticated'],
    [403, {}, 'denied'],
    [429, { 'retry-after': '120' }, 'throttled'],
    [500, {}, 'upstream-failed'],
    [502, {}, 'upstream-failed'],
    [503, {}, 'upstream-failed'],
    [504, {}, 'upstream-timeout'],
    [418, {}, 'upstream-failed'],
  ]
  for (const [status, headers, code] of answers) {
    test(`${status} is ${code}, with the name of the upstream`, async () => {
      const server = await rude((socket) => respond(socket, status, headers))
      const error = await errorOf(upstreamAt(server.url).manifest('app', '1'))
      expect(error).toMatchObject({ code, detail: { upstream: 'far', host: server.host } })
      expect(error.message).toContain('upstream far')
      if (status === 429) expect(error.headers).toEqual({ 'retry-after': '120' })
    })
  }

  test('404 is no trouble but absence', async () => {
    const server = await rude((socket) => respond(socket, 404))
    const far = upstreamAt(server.url)
    expect(await far.manifest('app', '1')).toBeUndefined()
    expect(await far.blob('app', digest)).toBeUndefined()
    expect(await far.tags('app')).toBeUndefined()
    expect(await far.catalog()).toBeUndefined()
    expect(await far.referrers('app', digest)).toEqual({ entries: [], next: undefined })
    expect(await errorOf(far.ping())).toMatchObject({ code: 'upstream-failed' })
  })

  test('a port where nobody listens', async () => {
    const server = await rude(() => {})
    await server.close()
    expect(await errorOf(upstreamAt(server.url).manifest('app', '1'))).toMatchObject({
      code: 'upstream-failed',
      detail: { reason: 'ECONNREFUSED' },
    })
  })

  test('a name that does not exist', async () => {
    const error = await errorOf(upstreamAt('http://nowhere.test', {}, { guard: guardWith({}) }).manifest('app', '1'))
    expect(error).toMatchObject({ code: 'upstream-failed', detail: { reason: 'ENOTFOUND' } })
  })

  test('an upstream that never answers', async () => {
    const server = await rude(() => {})
    const error = await errorOf(upstreamAt(server.url, { timing: { responseMs: 80 } }).manifest('app', '1'))
    expect(error).toMatchObject({ code: 'upstream-timeout' })
    expect(server.requests).toHaveLength(1)
  })

  test('one that sends its headers byte by byte', async () => {
    const server = await rude(async (socket) => {
      for (const letter of 'HTTP/1.1 200 OK\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaa') {
        socket.write(letter)
        await Bun.sleep(20)
      }
    })
    expect(await errorOf(upstreamAt(server.url, { timing: { responseMs: 100 } }).manifest('app', '1'))).toMatchObject({
      code: 'upstream-timeout',
    })
  })

  test('one that resets every connection is tried three times', async () => {
    const server = await rude((socket) => void socket.resetAndDestroy())
    expect(await errorOf(upstreamAt(server.url).manifest('app', '1'))).toMatchObject({ code: 'upstream-failed' })
    // The runtime repeats some requests on its own.
    expect(server.requests.length).toBeGreaterThanOrEqual(3)
  })

  test('one that talks something else', async () => {
    const server = await rude((socket) => void socket.end('SSH-2.0-OpenSSH_9\r\n\r\n'))
    expect(await errorOf(upstreamAt(server.url).manifest('app', '1'))).toMatchObject({ code: 'upstream-failed' })
  })

  test('one whose list is no JSON', async () => {
    const server = await rude((socket) => respond(socket, 200, {}, '<html>log in</html>'))
    expect(await errorOf(upstreamAt(server.url).tags('app'))).toMatchObject({ code: 'upstream-failed' })
  })

  test("a caller who gives up gets their own reason, and it is nobody's failure", async () => {
    const server = await rude(() => {})
    const far = upstreamAt(server.url)
    const signal = AbortSignal.timeout(30)
    expect(await errorOf(far.manifest('app', '1', { signal }))).toBe(signal.reason)
    expect(far.state().health.failures).toBe(0)
  })
})

describe('manifests', () => {
  test('are checked against the digest that was asked for', async () => {
    const server = await rude((socket) => respond(socket, 200, { 'content-type': type }, 'something else'))
    expect(await errorOf(upstreamAt(server.url).manifest('app', digest))).toMatchObject({
      code: 'upstream-failed',
      detail: { digest },
    })
  })

  test('are checked against the digest the upstream names', async () => {
    const server = await rude((socket) => respond(socket, 200, told, 'something else'))
    expect(await errorOf(upstreamAt(server.url).manifest('app', '1'))).toMatchObject({ code: 'upstream-failed' })
  })

  test('get a digest when the upstream names none', async () => {
    const server = await rude((socket) => respond(socket, 200, { 'content-type': type }, manifest))
    expect(await upstreamAt(server.url).manifest('app', '1')).toMatchObject({
      status: 'found',
      digest,
      mediaType: type,
      size: manifest.length,
    })
  })

  test('of more than 4 MiB are not read', async () => {
    const server = await rude((socket) =>
      respond(socket, 200, { 'content-type': type, 'content-length': String(5 << 20) }),
    )
    expect(await errorOf(upstreamAt(server.url).manifest('app', '1'))).toMatchObject({ code: 'upstream-failed' })
  })

  test('are only looked at with HEAD, and by GET where HEAD is not known or says too little', async () => {
    const methods: string[] = []
    const heads: RudeAnswer[] = [
      (socket) => respond(socket, 200, { ...told, 'content-length': '19' }),
      (socket) => respond(socket, 405),
      (socket) => respond(socket, 200, { 'content-type': type }),
    ]
    for (const head of heads) {
      const server = await rude((socket, request) => {
        methods.push(request.method)
        return request.method === 'HEAD' ? head(socket, request) : respond(socket, 200, told, manifest)
      })
      expect(await upstreamAt(server.url).manifest('app', '1', { method: 'HEAD' })).toMatchObject({
        digest,
        mediaType: type,
        size: 19,
      })
    }
    expect(methods).toEqual(['HEAD', 'HEAD', 'GET', 'HEAD', 'GET'])
  })

  test('that did not change are said to be so', async () => {
    const server = await rude((socket, { headers }) =>
      respond(socket, headers['if-none-match'] === `"${digest}"` ? 304 : 200, told, ''),
    )
    expect(await upstreamAt(server.url).manifest('app', '1', { ifNoneMatch: digest })).toBe('unchanged')
  })
})

describe('asking again', () => {
  test('helps after 503 and a cut connection', async () => {
    const server = await rude((socket, { count }) => {
      if (count === 1) respond(socket, 503)
      else if (count === 2) socket.destroy()
      else respond(socket, 200, told, manifest)
    })
    expect(await upstreamAt(server.url).manifest('app', '1')).toMatchObject({ digest })
  })

  test('waits as long as the upstream wants, when that is short', async () => {
    const server = await rude((socket, { count }) =>
      respond(
        socket,
        count === 1 ? 429 : 200,
        count === 1 ? { 'retry-after': '0' } : told,
        count === 1 ? '' : manifest,
      ),
    )
    expect(await upstreamAt(server.url).manifest('app', '1')).toMatchObject({ digest })
    expect(server.requests).toHaveLength(2)
  })

  test('is not done when the wait is long; the next request of that kind does not even go out', async () => {
    const server = await rude((socket, { method }) =>
      respond(socket, method === 'GET' ? 429 : 200, {
        ...told,
        'retry-after': '3600',
        'ratelimit-limit': '100;w=21600',
        'ratelimit-remaining': '0;w=21600',
      }),
    )
    const far = upstreamAt(server.url)
    expect(await errorOf(far.manifest('app', '1'))).toMatchObject({
      code: 'throttled',
      headers: { 'retry-after': '3600' },
    })
    expect(await errorOf(far.manifest('app', '1'))).toMatchObject({
      code: 'throttled',
      headers: { 'retry-after': '3600' },
    })
    expect(server.requests).toHaveLength(1)
    expect(await far.manifest('app', '1', { method: 'HEAD' })).toMatchObject({ digest })
    expect(far.state()).toMatchObject({
      health: { state: 'ok' },
      limit: { limit: 100, remaining: 0, windowSeconds: 21600 },
    })
  })

  test('ends when the upstream is blocked, and begins again by itself', async () => {
    let isDown = true
    const server = await rude((socket) => (isDown ? respond(socket, 500) : respond(socket, 200, told, manifest)))
    const far = upstreamAt(server.url, { timing: { attempts: 1 } })
    for (let i = 0; i < 3; i++)
      expect(await errorOf(far.manifest('app', '1'))).toMatchObject({ code: 'upstream-failed' })
    expect(await errorOf(far.manifest('app', '1'))).toMatchObject({ code: 'upstream-blocked' })
    expect(server.requests).toHaveLength(3)
    isDown = false
    await Bun.sleep(60)
    expect(await far.manifest('app', '1')).toMatchObject({ digest })
    expect(far.state().health.state).toBe('ok')
  })

  test('does not count refusals as outages', async () => {
    const server = await rude((socket, { count }) => respond(socket, [403, 404, 401][count % 3]!))
    const far = upstreamAt(server.url)
    for (let i = 0; i < 9; i++) await far.manifest('app', '1').catch(() => {})
    expect(far.state().health).toMatchObject({ state: 'ok', failures: 0 })
  })
})

describe('redirects', () => {
  const login = { username: 'robot', password: 'secret-of-ours' }
  const basic = `Basic ${btoa('robot:secret-of-ours')}`

  /** An upstream that wants a login and then redirects. */
  const redirecting =
    (target: (path: string) => string): RudeAnswer =>
    (socket, { headers, path }) =>
      headers['authorization'] === basic
        ? respond(socket, 307, { location: target(path) })
        : respond(socket, 401, { 'www-authenticate': 'Basic realm="far"' })

  test('to another host, port or scheme go without our login', async () => {
    for (const address of ['127.0.0.2', '127.0.0.1']) {
      const elsewhere = await rude((socket) => respond(socket, 200, told, manifest), address)
      const server = await rude(redirecting(() => `${elsewhere.url}/signed?x=1`))
      expect(await upstreamAt(server.url, login).manifest('app', '1')).toMatchObject({ digest })
      expect(elsewhere.requests).toHaveLength(1)
      expect(elsewhere.requests[0]!.headers['authorization']).toBeUndefined()
      expect(JSON.stringify(elsewhere.requests)).not.toContain('secret')
      expect(server.requests.map(({ headers }) => headers['authorization'])).toEqual([undefined, basic])
    }
  })

  test('within the same server keep it', async () => {
    const server = await rude((socket, request) =>
      request.path === '/moved' && request.headers['authorization'] === basic
        ? respond(socket, 200, told, manifest)
        : redirecting(() => '/moved')(socket, request),
    )
    expect(await upstreamAt(server.url, login).manifest('app', '1')).toMatchObject({ digest })
  })

  test('that come back do not get it back', async () => {
    const back = await rude((socket) => respond(socket, 307, { location: `${server.url}/end` }), '127.0.0.2')
    const server = await rude((socket, request) =>
      request.path === '/end' ? respond(socket, 200, told, manifest) : redirecting(() => back.url)(socket, request),
    )
    await upstreamAt(server.url, login).manifest('app', '1')
    expect(server.requests.at(-1)).toMatchObject({ path: '/end' })
    expect(server.requests.at(-1)!.headers['authorization']).toBeUndefined()
  })

  test('to forbidden addresses are refused', async () => {
    for (const target of [
      'http://169.254.169.254/latest/meta-data/',
      'http://metadata.google.internal/',
      'file:///etc/passwd',
      'http://[::ffff:169.254.169.254]/',
    ]) {
      const server = await rude((socket) => respond(socket, 302, { location: target }))
      expect(await errorOf(upstreamAt(server.url).manifest('app', '1'))).toMatchObject({ code: 'policy-refused' })
    }
  })

  test('without end are given up', async () => {
    const server = await rude((socket) => respond(socket, 302, { location: '/again' }))
    expect(await errorOf(upstreamAt(server.url, { timing: { attempts: 1 } }).manifest('app', '1'))).toMatchObject({
      code: 'upstream-failed',
    })
    expect(server.requests).toHaveLength(6)
  })

  test('to a host that is down are not held against the upstream', async () => {
    const server = await rude((socket) => respond(socket, 307, { location: 'http://127.0.0.2:1/' }))
    const far = upstreamAt(server.url)
    for (let i = 0; i < 4; i++)
      expect(await errorOf(far.manifest('app', '1'))).toMatchObject({
        code: 'upstream-failed',
        detail: { redirectedFrom: server.host },
      })
    expect(far.state().health.failures).toBe(0)
  })
})

describe('names', () => {
  test('are connected to at the address that was checked, with the name as Host', async () => {
    const server = await rude((socket) => respond(socket, 200, told, manifest))
    const guard = guardWith({ 'hub.test': ['127.0.0.1'] })
    expect(await upstreamAt(`http://hub.test:${server.port}`, {}, { guard }).manifest('app', '1')).toMatchObject({
      digest,
    })
    expect(server.requests[0]!.headers['host']).toBe(`hub.test:${server.port}`)
  })

  test('with several addresses are tried at each', async () => {
    const server = await rude((socket) => respond(socket, 200, told, manifest), '127.0.0.3')
    const guard = guardWith({ 'hub.test': ['127.0.0.2', '::1', '127.0.0.3'] })
    const far = upstreamAt(`http://hub.test:${server.port}`, { timing: { attempts: 1 } }, { guard })
    expect(await far.manifest('app', '1')).toMatchObject({ digest })
  })

  test('that lead to forbidden addresses are refused before anything is sent', async () => {
    const guard = guardWith({ 'hub.test': ['127.0.0.1', '169.254.169.254'] })
    expect(await errorOf(upstreamAt('http://hub.test', {}, { guard }).manifest('app', '1'))).toMatchObject({
      code: 'policy-refused',
    })
  })
})

describe('an outbound proxy', () => {
  const through = (proxy: string) => ({ outbound: createOutbound({ proxy }) })

  test('that is down is named, with nothing secret', async () => {
    const error = await errorOf(upstreamAt('https://far.test', {}, through('http://us:topsecret@127.0.0.1:1')).ping())
    expect(error).toMatchObject({ code: 'upstream-failed' })
    expect(error.message).toContain('outbound proxy 127.0.0.1:1')
    expect(JSON.stringify(error)).not.toContain('topsecret')
  })

  test('that wants other credentials says so, for plain and for tunnelled requests', async () => {
    const proxy = await rude((socket) => respond(socket, 407, { 'proxy-authenticate': 'Basic realm="p"' }))
    for (const scheme of ['http', 'https']) {
      const error = await errorOf(upstreamAt(`${scheme}://far.test`, {}, through(proxy.url)).ping())
      expect(error).toMatchObject({ code: 'upstream-failed' })
      expect(error.message).toMatch(/outbound proxy .*407/)
    }
  })

  test('is the one that is set, whatever the environment says to the runtime', async () => {
    const server = await rude((socket) => respond(socket, 200))
    const proxy = await rude((socket) => respond(socket, 200))
    const { HTTP_PROXY, NO_PROXY } = process.env
    try {
      process.env['HTTP_PROXY'] = 'http://127.0.0.1:1'
      await upstreamAt(server.url).ping()
      process.env['NO_PROXY'] = '*'
      await upstreamAt(server.url, {}, through(proxy.url)).ping()
    } finally {
      for (const [name, value] of Object.entries({ HTTP_PROXY, NO_PROXY })) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    }
    expect(server.requests).toHaveLength(1)
    expect(proxy.requests.map(({ path }) => path)).toEqual([`${server.url}/v2/`])
  })
})

describe('search and lists', () => {
  const finds = {
    results: [
      { name: 'library/redis', description: 'A store', star_count: 7, is_official: true },
      { nameless: 1 },
      null,
    ],
  }
  const wanted = [{ name: 'library/redis', description: 'A store', stars: 7, official: true, automated: false }]

  test('search at the upstream itself', async () => {
    const server = await rude((socket) => respond(socket, 200, {}, JSON.stringify(finds)))
    expect(await upstreamAt(server.url).search('re dis', 25)).toEqual(wanted)
    expect(server.requests[0]!.path).toBe('/v1/search?q=re+dis&n=25')
  })

  test('search at an index elsewhere goes there without our login', async () => {
    const index = await rude((socket) => respond(socket, 200, {}, JSON.stringify(finds)))
    const settings = { username: 'robot', password: 'secret', index: `${index.url}/v1/` }
    expect(await upstreamAt('http://127.0.0.1:1', settings).search('redis', 25)).toEqual(wanted)
    expect(index.requests[0]!.headers['authorization']).toBeUndefined()
  })

  test('search falls back to the catalog', async () => {
    const server = await rude((socket, { path }) =>
      path.startsWith('/v1/')
        ? respond(socket, 404)
        : respond(socket, 200, {}, '{"repositories":["a/redis","b/nginx"]}'),
    )
    expect((await upstreamAt(server.url).search('redis', 25)).map(({ name }) => name)).toEqual(['a/redis'])
  })

  test('pages are followed by query alone, wherever the link points to', async () => {
    const link = '<http://169.254.169.254/v2/app/tags/list?n=2&next_page=xyz>; rel="next"'
    const server = await rude((socket, { count }) =>
      respond(socket, 200, count === 1 ? { link } : {}, JSON.stringify({ tags: count === 1 ? ['a', 'b'] : null })),
    )
    const far = upstreamAt(server.url)
    expect(await far.tags('app', { limit: 2 })).toEqual({ entries: ['a', 'b'], next: 'n=2&next_page=xyz' })
    expect(await far.tags('app', { next: 'n=2&next_page=xyz' })).toEqual({ entries: [], next: undefined })
    expect(server.requests.map(({ path }) => path)).toEqual([
      '/v2/app/tags/list?n=2',
      '/v2/app/tags/list?n=2&next_page=xyz',
    ])
  })

  test('referrers come from the API, or from the tag that stands in for it', async () => {
    const entry = { mediaType: type, digest, size: 19, artifactType: 'a/b' }
    const index = JSON.stringify({ manifests: [entry, { ...entry, artifactType: 'c/d' }, { broken: true }] })
    const withApi = await rude((socket) => respond(socket, 200, {}, index))
    expect((await upstreamAt(withApi.url).referrers('app', digest, { artifactType: 'a/b' })).entries).toEqual([entry])
    const withTag = await rude((socket, { path }) =>
      path === `/v2/app/manifests/sha256-${digest.slice(7)}` ? respond(socket, 200, {}, index) : respond(socket, 404),
    )
    expect((await upstreamAt(withTag.url).referrers('app', digest)).entries).toHaveLength(2)
  })
})
