import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../clients/client.ts'
import { openDocker } from '../clients/docker.ts'
import { openSkopeo } from '../clients/skopeo.ts'
import { buildSamples, type Samples, writeSamples } from '../helpers/images.ts'
import { noise } from '../helpers/noise.ts'
import { makeImage } from '../helpers/oci.ts'
import { type Certificates, makeCertificates } from '../helpers/openssl.ts'
import { run, temporaryFolder } from '../helpers/process.ts'
import { expectStatus, registryClient } from '../helpers/registry-client.ts'
import { type Server, type ServerOptions, startServer } from '../helpers/server.ts'
import { verifyContent } from '../helpers/verify-image.ts'
import { startHaproxy } from '../services/haproxy.ts'
import { type FrontProxy, startNginx, startNginxPassthrough } from '../services/nginx.ts'
import { whyNoPackages } from '../services/packages.ts'
import { testMs } from './client-flow.ts'

const standIn = process.env.ENTREPOT_TEST_SERVER === 'docker-registry'
const reason = whyNoPackages()
if (reason) test.skip(`proxies: ${reason}`, () => {})

interface Setting {
  name: string
  /** Where TLS ends. */
  tlsAt: 'proxy' | 'server'
  start(server: Server, certificates: Certificates): Promise<FrontProxy>
}

const settings: Setting[] = [
  {
    name: 'nginx that ends TLS',
    tlsAt: 'proxy',
    start: ({ host }, certificates) => startNginx({ upstream: host, certificates }),
  },
  {
    name: 'nginx that ends TLS and buffers whole bodies',
    tlsAt: 'proxy',
    start: ({ host }, certificates) => startNginx({ upstream: host, certificates, buffering: true }),
  },
  { name: 'nginx that passes TLS through', tlsAt: 'server', start: ({ host }) => startNginxPassthrough(host) },
  {
    name: 'haproxy that ends TLS',
    tlsAt: 'proxy',
    start: ({ host }, certificates) => startHaproxy({ upstreams: [host], mode: 'http', certificates }),
  },
  {
    name: 'haproxy that passes TLS through',
    tlsAt: 'server',
    start: ({ host }) => startHaproxy({ upstreams: [host], mode: 'tcp' }),
  },
]

const folder = temporaryFolder('proxies')
const nameOfLoopback = 'registry.test'
const certificates = await makeCertificates(join(folder, 'tls'), ['localhost', '127.0.0.1', '::1', nameOfLoopback])
const caFolder = join(folder, 'ca')
mkdirSync(caFolder)
copyFileSync(certificates.ca, join(caFolder, 'ca.crt'))
const serverTls = { http: { tls: { certificate: certificates.cert, key: certificates.key } } }
let samples: Samples

beforeAll(async () => {
  samples = await buildSamples()
  writeSamples(folder, samples)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

for (const { name, tlsAt, start } of reason ? [] : settings) {
  describe(`behind ${name}`, () => {
    let server: Server
    let proxy: FrontProxy
    let skopeo: Client
    let host: string
    const outside = () => registryClient({ url: `https://${host}`, credentials: server.credentials })

    beforeAll(async () => {
      server = await startServer({ auth: 'admin', ...(tlsAt === 'server' ? { config: serverTls } : {}) })
      proxy = await start(server, certificates)
      host = `127.0.0.1:${proxy.port}`
      skopeo = await openSkopeo({ caFolder })
      await skopeo.login!(host, server.credentials!)
    }, testMs)
    afterAll(async () => {
      await skopeo?.close()
      await proxy?.stop()
      await server?.stop()
    }, testMs)

    test(
      'skopeo pushes and pulls an image of three platforms',
      async () => {
        await skopeo.pushIndex!(join(folder, 'multi'), 'multi', `${host}/team/multi:v1`)
        expect((await skopeo.pullIndex!(`${host}/team/multi:v1`)).digest).toBe(samples.multi.index.digest)
        await verifyContent(outside(), 'team/multi', 'v1')
      },
      testMs,
    )

    test(
      'locations lead back through the proxy',
      async () => {
        const client = outside()
        const image = makeImage('locations')
        const started = await expectStatus(await client.request('POST', '/v2/team/where/blobs/uploads/'), 202)
        expect(reached(started, host)).toBe(`https://${host}`)
        const blob = await client.pushBlob('team/where', image.config)
        expect(reached(blob, host)).toBe(`https://${host}`)
        await client.pushImage('team/where', image, 'v1')
        await client.verifyImage('team/where', image, 'v1')
      },
      testMs,
    )

    test(
      'a layer of 64 MB goes up without a length and comes back the same',
      async () => {
        const layer = noise(name, 64 << 20)
        const blob = { digest: layer.digest, stream: layer.stream() }
        await expectStatus(await outside().pushBlob('team/large', blob), 201)
        expect(await outside().verifyBlob('team/large', layer.digest)).toBe(layer.size)
      },
      testMs,
    )

    test(
      'curl gets a part of a blob',
      async () => {
        const { username, password } = server.credentials!
        const layer = noise(name, 64 << 20)
        const url = `https://${host}/v2/team/large/blobs/${layer.digest}`
        const parts = ['--range', '1000-1999', '--cacert', certificates.ca, '--user', `${username}:${password}`]
        const sum = await run(['sh', '-c', 'curl -sSf "$@" | sha256sum', 'sh', ...parts, url])
        const wanted = await run(['sha256sum'], { input: Buffer.from(layer.bytes().subarray(1000, 2000)) })
        expect(sum).toBe(wanted)
      },
      testMs,
    )
  })
}

describe.skipIf(reason !== undefined)('docker with strict TLS', () => {
  test(
    'pushes and pulls through nginx, and refuses a certificate it does not trust',
    async () => {
      const server = await startServer({ auth: 'admin' })
      const proxy = await startNginx({ upstream: server.host, certificates })
      const host = `${nameOfLoopback}:${proxy.port}`
      const hosts = { [nameOfLoopback]: '::1' }
      const trusting = await openDocker({ hosts, trust: { [host]: certificates.ca } })
      const doubting = await openDocker({ hosts })
      try {
        await trusting.login!(host, server.credentials!)
        await trusting.push(join(folder, 'two'), 'two', `${host}/team/two:v1`)
        expect((await trusting.pull(`${host}/team/two:v1`)).configs).toEqual([samples.two.config.digest])
        const refused = await doubting.service.attempt(['pull', `${host}/team/two:v1`])
        expect(refused.code).not.toBe(0)
        expect(refused.stderr).toContain('certificate signed by unknown authority')
      } finally {
        await trusting.close()
        await doubting.close()
        await proxy.stop()
        await server.stop()
      }
    },
    testMs,
  )
})

describe.skipIf(reason !== undefined)('under a path prefix', () => {
  const prefix = '/registry'
  const cases: { name: string; options: ServerOptions; cut: boolean; skip?: boolean }[] = [
    { name: 'that nginx cuts off and names in X-Forwarded-Prefix', options: {}, cut: true, skip: standIn },
    {
      name: 'that the server is told in http.prefix',
      options: { config: { http: { prefix: '/registry/' } }, prefix },
      cut: false,
    },
  ]
  for (const { name, options, cut, skip } of cases) {
    test.skipIf(skip === true)(
      name,
      async () => {
        const server = await startServer(options)
        const proxy = await startNginx({ upstream: server.host, certificates, prefix, cutPrefix: cut })
        const host = `127.0.0.1:${proxy.port}`
        const client = registryClient({ url: `https://${host}` })
        try {
          const started = await client.request('POST', `${prefix}/v2/team/app/blobs/uploads/`)
          await expectStatus(started, 202)
          expect(reached(started, host)).toBe(`https://${host}`)
          expect(new URL(started.headers.get('location') ?? '', started.url).pathname).toStartWith(
            `${prefix}/v2/team/app/`,
          )
          const { config } = makeImage('prefixed')
          const location = new URL(started.headers.get('location') ?? '', started.url)
          location.searchParams.set('digest', config.digest)
          const stored = await expectStatus(await client.request('PUT', location.href, { body: config.bytes }), 201)
          const blob = new URL(stored.headers.get('location') ?? '', stored.url)
          expect(blob.pathname).toBe(`${prefix}/v2/team/app/blobs/${config.digest}`)
          await expectStatus(await client.request('GET', blob.href), 200)
        } finally {
          await proxy.stop()
          await server.stop()
        }
      },
      testMs,
    )
  }
})

/** The origin that a response's `Location` leads a client to who asked `host` over TLS. */
function reached(response: Response, host: string): string {
  return new URL(response.headers.get('location') ?? '', `https://${host}/`).origin
}
