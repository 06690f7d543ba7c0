import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openSkopeo } from '../clients/skopeo.ts'
import { makeImage } from '../helpers/oci.ts'
import { makeCertificates } from '../helpers/openssl.ts'
import { temporaryFolder, waitFor } from '../helpers/process.ts'
import { registryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { startDocker } from '../services/docker.ts'
import { startDockerRegistry } from '../services/docker-registry.ts'
import { startSquid, startTinyproxy } from '../services/outbound-proxies.ts'
import { whyWithout } from '../services/packages.ts'

/** The whole server behind outbound proxies that want a password, with upstreams whose certificates only private authorities vouch for. */

const image = makeImage('far away', {})
const testMs = 120_000
const why = await whyWithout('docker-registry', 'squid', 'tinyproxy', 'openssl', 'skopeo', 'docker.io', 'runc')

const folder = temporaryFolder('outbound')
/** One upstream for each way: the logs tell them apart by their ports. */
const ways = ['common', 'listed', 'straight', 'own'] as const
const upstreams = new Map<(typeof ways)[number], Server>()
let authorities: { ca: string; cert: string; key: string }[] = []

beforeAll(async () => {
  if (why) return
  authorities = [await makeCertificates(join(folder, 'company')), await makeCertificates(join(folder, 'partner'))]
  const [company, partner] = authorities
  for (const way of ways) {
    const plain = await startDockerRegistry({ dataDir: join(folder, way) })
    await registryClient(plain).pushImage('team/app', image, '1')
    await plain.stop()
    const { cert, key } = way === 'own' ? partner! : company!
    const http = { tls: { certificate: cert, key } }
    upstreams.set(way, await startDockerRegistry({ dataDir: join(folder, way), config: { http } }))
  }
}, testMs)

afterAll(async () => {
  for (const upstream of upstreams.values()) await upstream.stop()
  rmSync(folder, { recursive: true, force: true })
})

function startBehind(proxy: string, own: string) {
  const at = (way: (typeof ways)[number]) => upstreams.get(way)!.url
  return startServer({
    config: {
      version: 0.1,
      auth: 'none',
      log: { level: 'debug' },
      outbound: { proxy, noProxy: [upstreams.get('listed')!.host], ca: authorities[0]!.ca },
      repositories: [
        { name: 'common', type: 'proxy', upstream: { url: at('common') } },
        { name: 'listed', type: 'proxy', upstream: { url: at('listed') } },
        { name: 'straight', type: 'proxy', upstream: { url: at('straight'), proxy: 'none' } },
        { name: 'own', type: 'proxy', upstream: { url: at('own'), proxy: own, ca: authorities[1]!.ca } },
        { name: 'distrusted', type: 'proxy', upstream: { url: at('own'), proxy: 'none' } },
      ],
    },
  })
}

const login = { username: 'user', password: 'pro-xy-secret' }

const urlOf = ({ port }: { port: number }, password = login.password) =>
  `http://${login.username}:${password}@127.0.0.1:${port}`

/** The upstreams to which this proxy made tunnels. squid writes of a tunnel when it ends: only once the server is stopped. */
const tunnelsOf = (proxy: { log(): string }) => {
  const connects = proxy.log().match(/CONNECT \S+/g) ?? []
  return ways.filter((way) => connects.some((line) => line.includes(upstreams.get(way)!.host)))
}

describe.skipIf(why !== undefined)('outbound proxies', () => {
  test.each([
    ['squid', startSquid, startTinyproxy],
    ['tinyproxy', startTinyproxy, startSquid],
  ] as const)(
    '%s carries what should go through it, the proxy of one repository the rest, and nothing else passes either',
    async (_, startCommon, startOwn) => {
      const [common, own] = [await startCommon(login), await startOwn(login)]
      const skopeo = await openSkopeo()
      try {
        await using server = await startBehind(urlOf(common), urlOf(own))
        for (const way of ways) {
          const target = join(skopeo.tool.folder, way)
          const source = `docker://${server.host}/${way}/team/app:1`
          await skopeo.tool.run('copy', '--src-tls-verify=false', source, `dir:${target}`)
        }
        const refused = await fetch(`${server.url}/v2/distrusted/team/app/manifests/1`)
        expect(refused.status).toBe(502)
        expect(await refused.text()).toMatch(/certificate/i)
        expect(server.log()).not.toContain(login.password)
      } finally {
        await skopeo.close()
      }
      try {
        await waitFor('the logs', () => tunnelsOf(common).length > 0 && tunnelsOf(own).length > 0)
        expect([tunnelsOf(common), tunnelsOf(own)]).toEqual([['common'], ['own']])
      } finally {
        await common.stop()
        await own.stop()
      }
    },
    testMs,
  )

  test(
    'docker pulls through a proxy, and learns of one that refuses us',
    async () => {
      const proxy = await startSquid(login)
      const docker = await startDocker()
      try {
        {
          await using server = await startBehind(urlOf(proxy), urlOf(proxy, 'wrong-one'))
          // Layers of noise: docker gets as far as unpacking them.
          const pulled = await docker.attempt(['pull', `${server.host}/common/team/app:1`])
          expect(`${pulled.stdout}${pulled.stderr}`).toContain('Download complete')
          const { stderr } = await docker.attempt(['pull', `${server.host}/own/team/app:1`])
          expect(stderr).toContain('502 Bad Gateway')
          const told = await (await fetch(`${server.url}/v2/own/team/app/manifests/1`)).text()
          expect(told).toContain(`outbound proxy 127.0.0.1:${proxy.port}`)
          expect(told + server.log()).not.toContain('wrong-one')
        }
        await waitFor('the log', () => tunnelsOf(proxy).length > 0)
      } finally {
        await docker.stop()
        await proxy.stop()
      }
    },
    testMs,
  )

  test(
    'an authority that the machine trusts is trusted, too',
    async () => {
      const { url } = upstreams.get('common')!
      const config = { version: 0.1, auth: 'none', repositories: [{ name: 'far', type: 'proxy', upstream: { url } }] }
      const statusWith = async (env: Record<string, string>) => {
        await using server = await startServer({ config, env })
        return (await fetch(`${server.url}/v2/far/team/app/manifests/1`)).status
      }
      expect(await statusWith({})).toBe(502)
      expect(await statusWith({ SSL_CERT_FILE: authorities[0]!.ca })).toBe(200)
    },
    testMs,
  )
})
