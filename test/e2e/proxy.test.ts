import { afterAll, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openSkopeo } from '../clients/skopeo.ts'
import { noise } from '../helpers/noise.ts'
import { makeImage } from '../helpers/oci.ts'
import { freePort, temporaryFolder } from '../helpers/process.ts'
import { registryClient } from '../helpers/registry-client.ts'
import { type RudeUpstream, respond, startRudeUpstream, writeAll } from '../helpers/rude-upstream.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { verifyContent } from '../helpers/verify-image.ts'
import { startDockerRegistry } from '../services/docker-registry.ts'
import { whyWithout } from '../services/packages.ts'

const megabytes = Number(process.env['ENTREPOT_TEST_PROXY_MB'] ?? 30)
const content = noise('proxy', megabytes * 1_000_000)
const testMs = 120_000
const stops: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const stop of stops.reverse()) await stop()
})

const proxyOf = (url: string, upstream: object = {}) => ({
  repositories: [{ name: 'far', type: 'proxy', upstream: { url, tagAge: '0s', ...upstream } }],
})

/** An upstream with the one blob, that sends so many bytes and waits for `go` before the others. */
async function bigUpstream(before: number, go: Promise<void> = Promise.resolve()): Promise<RudeUpstream> {
  const far = await startRudeUpstream(async (socket, { method }) => {
    respond(socket, 200, { 'content-length': String(content.size) })
    if (method === 'HEAD') return
    await writeAll(socket, content.stream(0, before - 1))
    await go
    await writeAll(socket, content.stream(before))
  })
  stops.push(() => far.close())
  return far
}

async function hashOf(body: ReadableStream<Uint8Array>, pauseMs = 0): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of body) {
    hash.update(chunk)
    if (pauseMs > 0) await Bun.sleep(pauseMs)
  }
  return `sha256:${hash.digest('hex')}`
}

function residentMegabytes({ pid }: Server): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1000
}

test(
  'fifty clients that ask for one missing blob at once cause one download, and get the right bytes',
  async () => {
    const far = await bigUpstream(0)
    await using server = await startServer({ config: proxyOf(far.url) })
    const begun = performance.now()
    const digests = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const answer = await fetch(`${server.url}/v2/far/big/blobs/${content.digest}`, { keepalive: false })
        return hashOf(answer.body!, index === 0 ? 1 : 0)
      }),
    )
    expect(new Set(digests)).toEqual(new Set([content.digest]))
    expect(far.requests.length).toBe(1)
    expect(residentMegabytes(server)).toBeLessThan(500)
    if (process.env['ENTREPOT_TEST_PROXY_MB'])
      console.log(
        `${megabytes} MB x 50: ${Math.round(performance.now() - begun)} ms, ${residentMegabytes(server)} MB resident`,
      )
  },
  testMs,
)

test(
  'a kill in the middle of a cold pull leaves nothing of it',
  async () => {
    const far = await bigUpstream(content.size / 2, new Promise(() => {}))
    const dataDir = temporaryFolder('proxy-kill')
    stops.push(async () => rmSync(dataDir, { recursive: true, force: true }))
    const path = `/v2/far/big/blobs/${content.digest}`
    const first = await startServer({ config: proxyOf(far.url), dataDir })
    const answer = await fetch(first.url + path)
    const reader = answer.body!.getReader()
    for (let got = 0; got < content.size / 3; ) got += (await reader.read()).value!.length
    const staged = join(dataDir, 'blobs/_staged')
    expect(readdirSync(staged).length).toBe(1)
    await first.kill9()
    await reader.cancel().catch(() => {})
    await far.close()

    const near = await bigUpstream(0)
    await using second = await startServer({ config: proxyOf(near.url), dataDir })
    expect(existsSync(join(dataDir, 'blobs/docker/registry/v2/blobs/sha256'))).toBeFalse()
    expect(await hashOf((await fetch(second.url + path)).body!)).toBe(content.digest)
    expect(near.requests.length).toBe(1)
    expect(near.requests[0]?.headers['range']).toBeUndefined()
  },
  testMs,
)

test(
  'the variable that makes registry:2 a proxy makes this one, too',
  async () => {
    const far = await bigUpstream(0)
    await using server = await startServer({ env: { REGISTRY_PROXY_REMOTEURL: far.url } })
    const path = `/v2/team/big/blobs/${content.digest}`
    expect(await hashOf((await fetch(server.url + path)).body!)).toBe(content.digest)
    expect(far.requests.map((request) => request.path)).toEqual([path])
  },
  testMs,
)

const image = makeImage('proxy e2e', {})

const why = await whyWithout('docker-registry')

describe.skipIf(why !== undefined)('with docker-registry as its upstream', () => {
  test(
    'skopeo pulls what is there, and again after the upstream went away',
    async () => {
      const port = await freePort()
      const origin = await startDockerRegistry({ auth: 'admin', port })
      stops.push(() => origin.stop().catch(() => {}))
      await registryClient(origin).pushImage('library/centos', image, '7')
      const { username, password } = origin.credentials!
      const config = proxyOf(origin.url, { username, password, libraryPrefix: 'always' })
      await using server = await startServer({ config })
      const skopeo = await openSkopeo()
      stops.push(() => skopeo.close())
      const raw = () =>
        skopeo.tool.run('inspect', '--raw', '--tls-verify=false', `docker://${server.host}/far/centos:7`)
      expect(await raw()).toBe(new TextDecoder().decode(image.manifest.bytes))
      await verifyContent(registryClient(server), 'far/centos', '7')
      expect(await skopeo.tags!(`${server.host}/far/centos`)).toEqual(['7'])
      await origin.stop()
      expect(await raw()).toBe(new TextDecoder().decode(image.manifest.bytes))
      const answer = await fetch(`${server.url}/v2/far/centos/manifests/7`)
      expect(answer.headers.get('warning')).toContain('upstream far')
      await verifyContent(registryClient(server), 'far/library/centos', '7')
      const missing = await fetch(`${server.url}/v2/far/centos/manifests/8`)
      expect([502, 503]).toContain(missing.status)
    },
    testMs,
  )
})
