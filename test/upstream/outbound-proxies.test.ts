import { afterAll, describe, expect, test } from 'bun:test'
import { readFileSync, rmSync } from 'node:fs'
import type { Digest } from '../../src/content/digest.ts'
import type { AppError } from '../../src/errors.ts'
import { createOutbound } from '../../src/upstream/outbound.ts'
import { makeImage } from '../helpers/oci.ts'
import { makeCertificates } from '../helpers/openssl.ts'
import { temporaryFolder, Unavailable } from '../helpers/process.ts'
import { registryClient } from '../helpers/registry-client.ts'
import { sha256Of } from '../helpers/streams.ts'
import { upstreamAt } from '../helpers/upstream.ts'
import { startDockerRegistry } from '../services/docker-registry.ts'
import { startNginx } from '../services/nginx.ts'
import { startSquid, startTinyproxy } from '../services/outbound-proxies.ts'

const image = makeImage('outbound', {})
const stops: (() => Promise<unknown>)[] = []
const folder = temporaryFolder('certificates')
afterAll(async () => {
  for (const stop of stops.reverse()) await stop()
  rmSync(folder, { recursive: true, force: true })
})
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable(),
    (error: AppError) => error,
  )

const login = { username: 'us er@corp', password: 'p:a/s%s' }
const simple = { username: 'user', password: 'secret' }
const proxies = [
  { name: 'tinyproxy', login: undefined, start: () => startTinyproxy() },
  { name: 'tinyproxy with a password', login: simple, start: () => startTinyproxy(simple) },
  { name: 'squid with a password full of signs', login, start: () => startSquid(login) },
]

/** A registry, plain and behind TLS. */
async function startRegistry() {
  const registry = await startDockerRegistry()
  stops.push(() => registry.stop())
  await registryClient(registry).pushImage('team/app', image, 'v1')
  const certificates = await makeCertificates(folder)
  const nginx = await startNginx({ upstream: registry.host, certificates })
  stops.push(() => nginx.stop())
  return { urls: [registry.url, `https://127.0.0.1:${nginx.port}`], ca: readFileSync(certificates.ca, 'utf8') }
}

const ready = await startRegistry().catch((error) => {
  if (error instanceof Unavailable) return error.message
  throw error
})

if (typeof ready === 'string') test.skip(ready, () => {})
else
  describe('an outbound proxy', () => {
    for (const proxy of proxies) {
      test(`${proxy.name} is passed, plain and tunnelled`, async () => {
        const running = await proxy.start()
        stops.push(() => running.stop())
        const user =
          proxy.login && `${encodeURIComponent(proxy.login.username)}:${encodeURIComponent(proxy.login.password)}@`
        const outbound = createOutbound({ proxy: `http://${user ?? ''}127.0.0.1:${running.port}`, ca: ready.ca })
        const layer = image.layers[0]!
        for (const url of ready.urls) {
          const far = upstreamAt(url, {}, { outbound })
          await far.ping()
          expect(await far.manifest('team/app', 'v1')).toMatchObject({ digest: image.manifest.digest })
          const blob = await far.blob('team/app', layer.digest as Digest)
          expect(layer.digest).toEndWith(await sha256Of(blob!.bytes))
          expect(await far.manifest('team/app', 'v2')).toBeUndefined()
        }
        if (!proxy.login) return
        const wrong = createOutbound({ proxy: `http://user:wrong@127.0.0.1:${running.port}`, ca: ready.ca })
        for (const url of ready.urls) {
          const error = await errorOf(upstreamAt(url, {}, { outbound: wrong }).ping())
          // tinyproxy refuses plain requests with 401 as if it were the target.
          expect(['upstream-failed', 'unauthenticated']).toContain(error.code)
          expect(error.message).toContain(`outbound proxy 127.0.0.1:${running.port}`)
          expect(error.message).not.toContain('wrong@')
          // An upstream that is to go straight does.
          await upstreamAt(url, { proxy: 'none' }, { outbound: wrong }).ping()
        }
      }, 120_000)
    }

    test('really carries what should go through it, and nothing on the no-proxy list', async () => {
      const running = await startTinyproxy()
      stops.push(() => running.stop())
      const proxy = `http://127.0.0.1:${running.port}`
      const [plain = ''] = ready.urls
      await upstreamAt(plain, {}, { outbound: createOutbound({ proxy, noProxy: ['127.0.0.0/8'] }) }).ping()
      expect(running.log()).not.toContain('/v2/')
      await upstreamAt(plain, {}, { outbound: createOutbound({ proxy }) }).ping()
      expect(running.log()).toContain('/v2/')
    }, 60_000)
  })
