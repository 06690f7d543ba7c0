import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import { testAuthority, testCertificate, writePair } from '../helpers/certificates.ts'
import { buildSamples, type Samples } from '../helpers/images.ts'
import { freePort, run, temporaryFolder } from '../helpers/process.ts'
import { registryClient } from '../helpers/registry-client.ts'
import { cleanEnvironment } from '../helpers/registry-process.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { startContainerd } from '../services/containerd.ts'
import { openContainersTool } from '../services/containers.ts'
import { startDocker } from '../services/docker.ts'
import { startDockerRegistry } from '../services/docker-registry.ts'
import { whyWithout } from '../services/packages.ts'

/** Clients that believe to pull from docker.io and gcr.io, with exactly the files that `entrepot mirror-config` makes for them. */

const hub = 'docker.io/library/x:1'
const google = 'gcr.io/y/z:1'
const testMs = 180_000
const why = await whyWithout('docker-registry', 'containerd', 'docker.io', 'podman', 'runc')

const folder = temporaryFolder('mirrors')
const [main, dockerPort, plainPort] = [await freePort(), await freePort(), await freePort()]
const config = join(folder, 'config.yml')
const ca = join(folder, 'ca.crt')
let samples: Samples
let upstreams: Server[] = []
let server: Server

/** Other registries, played by docker-registry on loopback. */
async function startUpstreams(ports: number[] = []) {
  upstreams = await Promise.all(
    ['hub', 'google'].map((name, index) => {
      const port = ports[index]
      return startDockerRegistry({ dataDir: join(folder, name), ...(port && { port }) })
    }),
  )
}

beforeAll(async () => {
  if (why) return
  samples = await buildSamples()
  await startUpstreams()
  await registryClient(upstreams[0]!).pushImage('library/x', samples.two, '1')
  await registryClient(upstreams[1]!).pushImage('y/z', samples.docker, '1')
  const authority = await testAuthority()
  writeFileSync(ca, authority.certificate)
  const pair = writePair(folder, 'server', await testCertificate(authority, 'mirror.test'))
  const settings = {
    version: 0.1,
    auth: 'none',
    dataDir: join(folder, 'data'),
    http: { addr: `127.0.0.1:${main}`, tls: pair },
    repositories: [
      { name: 'private' },
      {
        name: 'docker-hub',
        type: 'proxy',
        upstream: { url: upstreams[0]!.url, namespaces: ['docker.io'], tagAge: '0s' },
      },
      { name: 'google', type: 'proxy', upstream: { url: upstreams[1]!.url, namespaces: ['gcr.io'], tagAge: '0s' } },
    ],
    connectors: [
      { repository: 'docker-hub', addr: `[::1]:${dockerPort}` },
      { repository: 'docker-hub', addr: `[::1]:${plainPort}`, plain: true },
    ],
  }
  writeFileSync(config, stringify(settings))
  server = await startServer({ config: settings, port: main, dataDir: join(folder, 'data') })
}, testMs)

afterAll(async () => {
  await server?.stop()
  for (const upstream of upstreams) await upstream.stop().catch(() => undefined)
  rmSync(folder, { recursive: true, force: true })
})

/** Runs the command and returns the folder that it filled. */
async function filesFor(client: string, address: string, ...flags: string[]) {
  const output = join(folder, `${client}-${address.replace(/\W+/g, '-')}`)
  const entrepot = resolve(import.meta.dirname, '../../bin/entrepot')
  const words = ['mirror-config', client, '--config', config, '--address', address, '--output', output, ...flags]
  await run([entrepot, ...words], { env: cleanEnvironment() })
  return output
}

/** Does it with the upstreams there, and again, with an empty client, without them. */
async function twice(pulls: () => Promise<void>) {
  const ports = upstreams.map(({ port }) => port)
  const blobs = () => server.log().match(/GET \S*\/blobs\/sha256:/g)?.length ?? 0
  const before = blobs()
  await pulls()
  const cold = blobs()
  expect(cold).toBeGreaterThan(before)
  for (const upstream of upstreams) await upstream.stop()
  try {
    await pulls()
    expect(blobs()).toBeGreaterThan(cold)
  } finally {
    await startUpstreams(ports)
  }
}

describe.skipIf(why !== undefined)('mirrors', () => {
  test(
    'containerd pulls the images of two registries, and again while these are gone',
    async () => {
      const files = await filesFor('containerd', `https://127.0.0.1:${main}`, '--ca', ca)
      const containerd = await startContainerd()
      const remote = ['--hosts-dir', join(files, 'certs.d'), '--snapshotter', 'native']
      try {
        await twice(async () => {
          for (const [name, image] of [
            [hub, samples.two],
            [google, samples.docker],
          ] as const) {
            await containerd.ctr('images', 'pull', ...remote, name)
            expect(await containerd.ctr('images', 'ls', `name==${name}`)).toContain(image.manifest.digest)
            await containerd.ctr('images', 'rm', '--sync', name)
          }
          await containerd.ctr('content', 'prune', 'references').catch(() => undefined)
        })
      } finally {
        await containerd.stop()
      }
    },
    testMs,
  )

  test(
    'a Kubernetes node pulls the images of two registries, and again while these are gone',
    async () => {
      const files = await filesFor('containerd', `https://127.0.0.1:${main}`, '--ca', ca)
      const containerd = await startContainerd({ configPath: join(files, 'certs.d') })
      try {
        await twice(async () => {
          for (const [name, image] of [
            [hub, samples.two],
            [google, samples.docker],
          ] as const) {
            expect(await containerd.criPull(name)).toBe(image.config.digest)
            const names = (await containerd.ctr('--namespace', 'k8s.io', 'images', 'ls', '-q')).trim().split('\n')
            await containerd.ctr('--namespace', 'k8s.io', 'images', 'rm', '--sync', ...names)
          }
        })
      } finally {
        await containerd.stop()
      }
    },
    testMs,
  )

  test(
    'podman pulls the images of two registries, and again while these are gone',
    async () => {
      const files = await filesFor('podman', `https://127.0.0.1:${main}`, '--ca', ca)
      const podman = await openContainersTool('podman')
      cpSync(join(files, 'registries.conf.d/50-entrepot.conf'), join(podman.folder, 'registries.conf'))
      cpSync(join(files, 'certs.d'), join(podman.folder, 'home/.config/containers/certs.d'), { recursive: true })
      try {
        await twice(async () => {
          for (const [name, image] of [
            [hub, samples.two],
            [google, samples.docker],
          ] as const) {
            const id = (await podman.run('pull', '-q', name)).trim()
            expect(`sha256:${id}`).toBe(image.config.digest)
            await podman.run('rmi', '--force', id)
          }
        })
      } finally {
        await podman.close()
      }
    },
    testMs,
  )

  test.each([
    ['over TLS with a private CA', `https://mirror.test:${dockerPort}`, ['--ca', ca]],
    ['over plain HTTP', `http://mirror.test:${plainPort}`, []],
  ])(
    'docker pulls the images of Docker Hub %s, and again while that is gone',
    async (_, address, flags) => {
      const files = await filesFor('docker', address, ...flags)
      // Names under which nobody is to be reached, should the mirror not do; and what this user once logged in with.
      const hosts = { 'mirror.test': '::1', 'registry-1.docker.io': '127.0.0.1', 'auth.docker.io': '127.0.0.1' }
      const logins = { 'https://index.docker.io/v1/': { username: 'someone', password: 'wrong' } }
      const docker = await startDocker({ etc: files, hosts, logins })
      try {
        await twice(async () => {
          await docker.docker('pull', 'x:1')
          const id = await docker.docker('image', 'inspect', '-f', '{{.Id}}', 'x:1')
          expect(id.trim()).toBe(samples.two.config.digest)
          await docker.docker('image', 'rm', '--force', 'x:1')
        })
      } finally {
        await docker.stop()
      }
    },
    testMs,
  )

  test.each([
    [
      'a wrong login for Docker Hub',
      { 'https://index.docker.io/v1/': { username: 'someone', password: 'wrong' } },
      true,
    ],
    ['no login', {}, false],
  ])(
    'docker with %s uses a mirror that knows users and is open for pulling, and sees nothing private',
    async (_, logins, guessed) => {
      const upstream = { url: upstreams[0]!.url, namespaces: ['docker.io'], tagAge: '0s' }
      await using closed = await startServer({
        auth: 'admin',
        config: {
          version: 0.1,
          log: { level: 'debug' },
          repositories: [{ name: 'private' }, { name: 'docker-hub', type: 'proxy', upstream }],
          defaultRepository: 'docker-hub',
          anonymous: { pull: ['docker-hub'] },
        },
      })
      await registryClient(closed).pushImage('private/secret', samples.zstd, '1')
      const hosts = { 'registry-1.docker.io': '127.0.0.1', 'auth.docker.io': '127.0.0.1' }
      const docker = await startDocker({ mirror: closed.url, hosts, logins })
      const asked = (what: RegExp) => closed.log().match(what)?.length ?? 0
      try {
        await docker.docker('pull', 'x:1')
        const id = await docker.docker('image', 'inspect', '-f', '{{.Id}}', 'x:1')
        expect(id.trim()).toBe(samples.two.config.digest)
        expect(asked(/GET \/v2\/library\/x\/blobs\/sha256:\S* HTTP\/1.1" 200/g)).toBeGreaterThanOrEqual(1)
        // That the daemon did come with the user's password, and was not refused for it.
        expect(asked(/a token for nobody/g) > 0).toBe(guessed)
        expect(asked(/GET \/v2\/_token\S* HTTP\/1.1" 401/g)).toBe(0)

        for (const name of ['private/secret:1', `${closed.host}/private/secret:1`]) {
          const { code, stderr } = await docker.attempt(['pull', name])
          expect(code).not.toBe(0)
          expect(stderr).toMatch(/denied|unauthorized|authentication required|no basic auth|connection refused/i)
        }
        expect(asked(/GET \/v2\/private\/secret\/\S* HTTP\/1.1" 200/g)).toBe(0)
        const wrong = await docker.attempt(['login', '-u', 'admin', '--password-stdin', closed.host], 'wrong')
        expect(wrong.stderr).toMatch(/unauthorized|incorrect/i)
      } finally {
        await docker.stop()
      }
    },
    testMs,
  )

  test(
    'containerd and podman log in to a mirror that wants it',
    async () => {
      const upstream = { url: upstreams[0]!.url, namespaces: ['docker.io'] }
      await using closed = await startServer({
        auth: 'admin',
        config: { version: 0.1, repositories: [{ name: 'docker-hub', type: 'proxy', upstream }] },
      })
      const { username, password } = closed.credentials!
      const containerd = await startContainerd()
      const podman = await openContainersTool('podman')
      try {
        const files = await filesFor('containerd', closed.url)
        const hosts = join(files, 'certs.d/docker.io/hosts.toml')
        const pull = ['images', 'pull', '--hosts-dir', join(files, 'certs.d'), '--snapshotter', 'native', hub]
        const login = btoa(`${username}:${password}`)
        const header = `  [host."${closed.url}/v2/docker-hub".header]\n    authorization = "Basic ${login}"\n`
        appendFileSync(hosts, header)
        await containerd.ctr(...pull)
        expect(closed.log()).toMatch(/admin \S* ?.*GET \S*\/v2\/docker-hub\/library\/x\/blobs/)

        // As the documentation has it for those who want no way around the mirror.
        const only = `server = "${closed.url}/v2/docker-hub"\noverride_path = true`
        writeFileSync(hosts, readFileSync(hosts, 'utf8').replace(/^server = .*$/m, only))
        await containerd.ctr('images', 'rm', '--sync', hub)
        await containerd.ctr(...pull)
        const { code, stderr } = await containerd.attempt(...pull.slice(0, -1), 'docker.io/library/none:1')
        expect(code).not.toBe(0)
        expect(stderr).not.toContain('registry-1.docker.io')

        const forPodman = await filesFor('podman', closed.url)
        cpSync(join(forPodman, 'registries.conf.d/50-entrepot.conf'), join(podman.folder, 'registries.conf'))
        await podman.run('login', '--tls-verify=false', '-u', username, '-p', password, closed.host)
        expect(`sha256:${(await podman.run('pull', '-q', hub)).trim()}`).toBe(samples.two.config.digest)
      } finally {
        await containerd.stop()
        await podman.close()
      }
    },
    testMs,
  )
})
