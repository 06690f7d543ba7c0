import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openCtr } from '../clients/ctr.ts'
import { openSkopeo } from '../clients/skopeo.ts'
import { buildSamples, writeSamples } from '../helpers/images.ts'
import { makeImage } from '../helpers/oci.ts'
import { freePort, temporaryFolder } from '../helpers/process.ts'
import { type RegistryClient, registryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { verifyContent } from '../helpers/verify-image.ts'
import { startDockerRegistry } from '../services/docker-registry.ts'
import { whyWithout } from '../services/packages.ts'

/** One address for the team's own images and for what other registries have: a group over a hosted repository and two proxies. */

const dashboard = 'google-containers/kubernetes-dashboard-amd64'
const [theirs, ours] = [makeImage('centos of the hub', {}), makeImage('centos of our own', {})]
const board = makeImage('dashboard', {})
const mine = makeImage('mine', {})
const testMs = 60_000

const why = await whyWithout('docker-registry')
let upstreams: [Server, Server]
let server: Server
let group: RegistryClient
let host: string

beforeAll(async () => {
  if (why) return
  upstreams = await Promise.all([startDockerRegistry(), startDockerRegistry()])
  const [hub, google] = upstreams
  await registryClient(hub).pushImage('library/centos', theirs, '7.5.1804')
  await registryClient(hub).pushImage('library/debian', theirs, '9')
  await registryClient(google).pushImage(dashboard, board, 'v1.8.3')
  const port = await freePort()
  server = await startServer({
    auth: 'admin',
    config: {
      version: 0.1,
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
})

const digestOf = async (image: string, tag: string) => (await group.pullManifest(image, tag))!.digest

describe.skipIf(why !== undefined)('one address', () => {
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
})
