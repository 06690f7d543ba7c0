import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { type App, openApp } from '../../src/app.ts'
import { explainWith } from '../../src/commands/explain.ts'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { fakeIncoming } from '../helpers/fake-incoming.ts'
import { makeImage } from '../helpers/oci.ts'
import { temporaryFolder } from '../helpers/process.ts'
import { startToyUpstream, type ToyUpstream } from '../helpers/proxy-lab.ts'
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

/** The table of docs/routing.md, row by row. */
describe('the table of rules', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/routing.md'), 'utf8')
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', ''))) as string[][]
  const folder = temporaryFolder('routing')
  const lines: string[] = []
  let hub: ToyUpstream
  let config: Config
  let app: App

  beforeAll(async () => {
    hub = await startToyUpstream()
    const whole = {
      version: 0.1,
      dataDir: folder,
      auth: 'none',
      http: { addr: ':5000' },
      log: { accesslog: { disabled: true } },
      repositories: [
        { name: 'private' },
        { name: 'team' },
        {
          name: 'hub',
          type: 'proxy',
          upstream: {
            url: hub.url,
            libraryPrefix: 'always',
            namespaces: ['docker.io'],
            absenceAge: '0s',
            tagAge: '0s',
          },
        },
        { name: 'images', type: 'group', members: ['private', 'hub'], writableMember: 'private' },
      ],
      defaultRepository: 'private',
      connectors: [
        { repository: 'images', addr: ':8091', plain: true },
        { repository: 'images', addr: ':8092' },
        { repository: 'images', host: 'hub.example.com' },
      ],
    }
    config = loadConfig({ text: JSON.stringify(whole), file: 'test.yml', env: {}, cwd: folder }).config
    await start()
  })
  afterAll(async () => {
    await app.close()
    await hub.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function start() {
    const log = createLog({ level: 'warn', formatter: 'json', stream: { write: (line) => lines.push(line) } })
    app = await openApp(config, log)
  }

  /** Puts an image into one place alone, as `name:tag` of a hosted repository or as what the upstream has. */
  async function place(repository: string, name: string, seed: string) {
    const image = makeImage(seed, {})
    if (repository === 'hub') hub.put(name, image, seed)
    else {
      for (const { digest, bytes } of [image.config, ...image.layers]) {
        const path = `/v2/${repository}/${name}/blobs/uploads/?digest=${digest}`
        expect((await app.handler(fakeIncoming('POST', path, {}, { body: bytes }))).status).toBe(201)
      }
      const headers = { 'content-type': image.manifest.mediaType }
      const path = `/v2/${repository}/${name}/manifests/${seed}`
      const put = await app.handler(fakeIncoming('PUT', path, headers, { body: image.manifest.bytes }))
      expect(put.status).toBe(201)
    }
    return image.manifest.digest
  }

  test('has all kinds of listeners and all rules', () => {
    expect([...new Set(rows.map(([, listener]) => listener))]).toEqual([
      'the main listener',
      'port 8091, plain HTTP',
      'port 8092, HTTPS',
      'hub.example.com, whatever port',
    ])
    expect(new Set(rows.map(([, , , rule]) => rule?.slice(0, 1)))).toEqual(new Set(['1', '2', '3', '4']))
  })

  for (const [index, [, listener = '', request = '', rule = '', repository = '', image = '']] of rows.entries()) {
    test(`${listener}: ${request} is ${image} of ${repository}, by rule ${rule}`, async () => {
      const [name = '', ns] = request.split('?ns=')
      const port = /^port (\d+)/.exec(listener)?.[1]
      const host = port ? `127.0.0.1:${port}` : listener.startsWith('hub.') ? 'hub.example.com:4711' : 'localhost:5000'
      const handler = port ? app.handlerFor('images') : app.handler
      const scheme = port === '8092' ? ('https' as const) : ('http' as const)
      const tag = `row-${index}`
      // A group has what its members have: here the proxy, for names that are the hub's.
      const holder = repository !== 'images' ? repository : image.endsWith('debian') ? 'hub' : 'private'
      const digest = await place(holder, holder === 'hub' && !image.includes('/') ? `library/${image}` : image, tag)
      const path = `/v2/${name}/manifests/${tag}${ns ? `?ns=${ns}` : ''}`
      const answer = await handler(fakeIncoming('GET', path, {}, { origin: { scheme, host } }))
      expect([answer.status, answer.headers.get('docker-content-digest')]).toEqual([200, digest])

      const said: string[] = []
      const write = (text: string) => said.push(text)
      const code = await explainWith(config, `${host}/${name}:${tag}`, ns, { out: { write }, err: { write } })
      expect(code).toBe(0)
      expect(said.join('')).toContain(`repository: ${repository} (`)
      expect(said.join('')).toContain(holder === 'hub' ? 'answer: hub, if its upstream' : `answer: ${holder}\n`)
    })
  }

  test('a collision is reported at start, and only the whole name reaches the image', async () => {
    const digest = await place('private', 'team/hidden', '1')
    await app.close()
    lines.length = 0
    await start()
    expect(lines.join('')).toMatch(/team\/\w+ in private cannot be reached by this name: team at its start/)
    const at = async (name: string) => {
      const answer = await app.handler(fakeIncoming('GET', `/v2/${name}/manifests/1`))
      return answer.headers.get('docker-content-digest')
    }
    expect(await at('team/hidden')).toBeNull()
    expect(await at('private/team/hidden')).toBe(digest)
  })
})
