import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openCtr } from '../clients/ctr.ts'
import { openDocker } from '../clients/docker.ts'
import { openSkopeo } from '../clients/skopeo.ts'
import { describeOnEachDatabase, type TestDatabase } from '../helpers/databases.ts'
import { buildImage, buildSamples, writeSamples } from '../helpers/images.ts'
import { makeImage } from '../helpers/oci.ts'
import { freePort, temporaryFolder } from '../helpers/process.ts'
import { type RegistryClient, registryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { verifyContent } from '../helpers/verify-image.ts'
import { startDockerRegistry } from '../services/docker-registry.ts'
import { whyWithout } from '../services/packages.ts'

/** One address for the team's own images and for what other registries have: a group over a hosted repository and two proxies. */

const dashboard = 'google-containers/kubernetes-dashboard-amd64'
/** An image that docker can unpack. */
const imageOf = (seed: string) => buildImage({ layers: [[{ name: 'seed', content: seed }]] })
const [theirs, ours] = [await imageOf('centos of the hub'), await imageOf('centos of our own')]
const board = await imageOf('dashboard')
const mine = await imageOf('mine')
const testMs = 60_000

const why = await whyWithout('docker-registry', 'docker.io')

if (why) describe.skip(`one address (${why})`, () => test('needs real registries and a real docker', () => {}))
else describeOnEachDatabase('one address', oneAddress)

function oneAddress(openDatabase: () => Promise<TestDatabase>): void {
  let upstreams: [Server, Server]
  let database: TestDatabase
  let server: Server
  let group: RegistryClient
  let host: string

  beforeAll(async () => {
    database = await openDatabase()
    upstreams = await Promise.all([startDockerRegistry(), startDockerRegistry()])
    const [hub, google] = upstreams
    await registryClient(hub).pushImage('library/centos', theirs, '7.5.1804')
    await registryClient(hub).pushImage('library/debian', theirs, '9')
    await registryClient(google).pushImage(dashboard, board, 'v1.8.3')
    filled = upstreams.map((upstream) => upstream.log().length)
    const port = await freePort()
    server = await startServer({
      auth: 'admin',
      config: {
        version: 0.1,
        database: database.url,
        repositories: [
          { name: 'docker-private' },
          { name: 'docker-hub', type: 'proxy', upstream: { url: hub.url, libraryPrefix: 'always', tagAge: '0s' } },
          { name: 'proxy-google-containers', type: 'proxy', upstream: { url: google.url } },
          {
            name: 'registry',
            type: 'group',
            members: ['docker-private', 'docker-hub', 'proxy-google-containers'],
            writableMember: 'docker-private',
          },
        ],
        defaultRepository: 'docker-private',
        connectors: [{ repository: 'registry', addr: `127.0.0.1:${port}` }],
      },
    })
    host = `127.0.0.1:${port}`
    group = registryClient({ url: `http://${host}`, credentials: server.credentials })
  }, testMs)

  afterAll(async () => {
    await server?.stop()
    for (const upstream of upstreams ?? []) await upstream.stop().catch(() => undefined)
    await database?.close()
  })

  /** Methods of the requests that reached an upstream since it was filled, out of its own access log. */
  const methodsAt = (upstream: Server, since: number) =>
    new Set(
      [
        ...upstream
          .log()
          .slice(since)
          .matchAll(/"([A-Z]+) \/[^"]* HTTP\/1\.1" \d/g),
      ].map(([, method]) => method),
    )
  let filled: number[] = []
  function expectOnlyReads() {
    expect(filled).toHaveLength(2)
    for (const [index, upstream] of upstreams.entries()) {
      const methods = methodsAt(upstream, filled[index]!)
      expect(methods).toContain('GET')
      expect([...methods].filter((method) => method !== 'GET' && method !== 'HEAD')).toEqual([])
    }
  }

  const digestOf = async (image: string, tag: string) => (await group.pullManifest(image, tag))!.digest

  test(
    'is all that a docker needs: it logs in, pulls from both upstreams, and pushes to the private repository',
    async () => {
      const docker = await openDocker()
      try {
        const attempt = async (...args: string[]) => (await docker.service.attempt(args)).code
        expect(await attempt('pull', `${host}/centos:7.5.1804`)).not.toBe(0)
        await docker.login!(host, server.credentials!)
        expect((await docker.pull(`${host}/centos:7.5.1804`)).configs).toEqual([theirs.config.digest])
        expect((await docker.pull(`${host}/${dashboard}:v1.8.3`)).configs).toEqual([board.config.digest])
        await docker.copy!(`${host}/${dashboard}:v1.8.3`, `${host}/pushed:1`)
        await verifyContent(registryClient(server), 'docker-private/pushed', '1')
        // Private wins when it has it.
        await registryClient(server).pushImage('docker-private/centos', ours, 'private')
        await registryClient(server).pushImage('docker-private/centos', ours, '7.5.1804')
        expect((await docker.pull(`${host}/centos:7.5.1804`)).configs).toEqual([ours.config.digest])
        expect((await registryClient(server).delete('docker-private/centos', 'manifests', '7.5.1804')).status).toBe(202)
        expect((await docker.pull(`${host}/centos:7.5.1804`)).configs).toEqual([theirs.config.digest])
        await docker.service.docker('logout', host)
        expect(await attempt('pull', `${host}/${dashboard}:v1.8.3`)).not.toBe(0)
        expect(await attempt('push', `${host}/pushed:1`)).not.toBe(0)
      } finally {
        await docker.close()
      }
      expectOnlyReads()
    },
    2 * testMs,
  )

  test(
    'gives the images of both upstreams, and refuses who does not log in',
    async () => {
      expect((await fetch(`http://${host}/v2/centos/manifests/7.5.1804`)).status).toBe(401)
      expect(await digestOf('centos', '7.5.1804')).toBe(theirs.manifest.digest)
      await verifyContent(group, 'centos', '7.5.1804')
      await verifyContent(group, dashboard, 'v1.8.3')
    },
    testMs,
  )

  test(
    'takes what is pushed into the private repository, which wins from then on; nothing is pushed upstream',
    async () => {
      await group.pushImage('mine', mine, '1')
      await group.pushImage('centos', ours, '7.5.1804')
      expect(await digestOf('centos', '7.5.1804')).toBe(ours.manifest.digest)
      await verifyContent(registryClient(server), 'docker-private/mine', '1')
      for (const upstream of upstreams) expect((await fetch(`${upstream.url}/v2/mine/tags/list`)).status).toBe(404)
      const catalog = (await (await fetch(`${upstreams[0].url}/v2/_catalog`)).json()) as { repositories: string[] }
      expect(catalog.repositories).toEqual(['library/centos', 'library/debian'])
      expectOnlyReads()
    },
    testMs,
  )

  test(
    'gives mirror requests that name an upstream to its proxy, on the main address too',
    async () => {
      const client = registryClient(server)
      const mirrored = (namespace: string) =>
        client.request('GET', `/v2/library/debian/manifests/9?ns=${encodeURIComponent(namespace)}`)
      const answer = await mirrored(new URL(upstreams[0].url).host)
      expect(answer.headers.get('docker-content-digest')).toBe(theirs.manifest.digest)
      expect((await mirrored('nobody.example.com')).status).toBe(404)
    },
    testMs,
  )

  test(
    'is what skopeo copies from and to, with blobs that only a proxy has',
    async () => {
      const skopeo = await openSkopeo()
      try {
        const { username, password } = server.credentials!
        const login = ['--src-creds', `${username}:${password}`, '--dest-creds', `${username}:${password}`]
        const open = ['--src-tls-verify=false', '--dest-tls-verify=false']
        await skopeo.tool.run('copy', ...login, ...open, `docker://${host}/debian:9`, `docker://${host}/team/base:9`)
        await verifyContent(registryClient(server), 'docker-private/team/base', '9')
      } finally {
        await skopeo.close()
      }
    },
    testMs,
  )

  test(
    'goes on with what it has when an upstream is gone, and says what is missing truly',
    async () => {
      await upstreams[0].stop()
      await verifyContent(group, 'debian', '9')
      await verifyContent(group, 'mine', '1')
      const gone = await group.request('GET', '/v2/fedora/manifests/28')
      expect([502, 503]).toContain(gone.status)
      const [one, two] = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.oci.image.index.v1+json']
      const head = (accept: string) => group.request('HEAD', '/v2/fedora/manifests/28', { headers: { accept } })
      // As containerd asks before a pull, as people do with curl, and as containerd asks before a push.
      for (const accept of [`${one}, ${two}, */*`, one]) expect([502, 503]).toContain((await head(accept)).status)
      expect((await head(`${one}, */*`)).status).toBe(404)
      const late = makeImage('pushed meanwhile', {})
      for (const blob of [late.config, ...late.layers])
        expect((await group.request('HEAD', `/v2/late/blobs/${blob.digest}`)).status).toBe(404)
      await group.pushImage('late', late, '1')
      await verifyContent(registryClient(server), 'docker-private/late', '1')
      expect((await group.request('GET', `/v2/${dashboard}/manifests/v1.8.3`)).status).toBe(200)
    },
    testMs,
  )

  test(
    'takes what containerd and skopeo push under new names while an upstream is gone',
    async () => {
      const folder = temporaryFolder('one-address')
      writeSamples(folder, await buildSamples())
      const ctr = await openCtr(host, server.credentials)
      const skopeo = await openSkopeo()
      try {
        await ctr.push(join(folder, 'multi'), 'multi', `${host}/by/containerd:1`)
        await verifyContent(registryClient(server), 'docker-private/by/containerd', '1')
        const { username, password } = server.credentials!
        const to = ['--dest-creds', `${username}:${password}`, '--dest-tls-verify=false']
        await skopeo.tool.run('copy', ...to, `oci:${folder}/two:two`, `docker://${host}/by/skopeo:1`)
        await verifyContent(registryClient(server), 'docker-private/by/skopeo', '1')
      } finally {
        await ctr.close()
        await skopeo.close()
        rmSync(folder, { recursive: true, force: true })
      }
    },
    testMs,
  )
}
