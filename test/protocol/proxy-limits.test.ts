import { describe, expect, test } from 'bun:test'
import { fakeIncoming } from '../helpers/fake-incoming.ts'
import { makeImage } from '../helpers/oci.ts'
import { labsOfTests, type ProxyLab } from '../helpers/proxy-lab.ts'
import { respond } from '../helpers/rude-upstream.ts'

const { lab } = labsOfTests()

const image = makeImage('limits', { layerSize: 300_000 })
const layer = image.layers[0]!

/** The sample of a metric with these labels; undefined when there is none. */
async function sample(proxy: ProxyLab, name: string): Promise<number | undefined> {
  const text = await (await proxy.get('/metrics')).text()
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

/** A blob is answered in full a moment before it is stored. */
async function stored({ app }: ProxyLab): Promise<void> {
  const uploads = () => app.db.queries.selectFrom('uploads').selectAll().execute()
  while ((await uploads()).length > 0) await Bun.sleep(5)
}

describe('metrics of a proxy', () => {
  test('tell what was served from the cache, what was fetched, and how long the upstream took', async () => {
    const { far, proxy } = await lab()
    far.put('app', image, '1')
    const blob = `/v2/app/blobs/${layer.digest}`
    for (const path of ['/v2/app/manifests/1', blob, '/v2/app/manifests/1', blob, blob]) {
      await (await proxy.get(path)).arrayBuffer()
      await stored(proxy)
    }
    await proxy.get(blob, {}, 'HEAD')
    await (await proxy.get(blob, { range: 'bytes=0-99' })).arrayBuffer()
    const size = layer.bytes.length
    const served = 'entrepot_proxy_served_bytes_total{repository="far",kind='
    expect(await sample(proxy, `${served}"blob",result="miss"}`)).toBe(size)
    expect(await sample(proxy, `${served}"blob",result="hit"}`)).toBe(2 * size + 100)
    expect(await sample(proxy, `${served}"manifest",result="miss"}`)).toBe(image.manifest.bytes.length)
    expect(await sample(proxy, `${served}"manifest",result="hit"}`)).toBe(image.manifest.bytes.length)
    const fetched = 'entrepot_proxy_fetched_bytes_total{repository="far",kind='
    expect(await sample(proxy, `${fetched}"blob"}`)).toBe(size)
    expect(await sample(proxy, `${fetched}"manifest"}`)).toBe(image.manifest.bytes.length)
    const answers = 'entrepot_proxy_upstream_duration_seconds_count{repository="far",kind='
    expect(await sample(proxy, `${answers}"blob"}`)).toBe(1)
    expect(await sample(proxy, `${answers}"manifest"}`)).toBe(1)
  })

  test('have no label that a client chooses', async () => {
    const { proxy } = await lab()
    for (let index = 0; index < 20; index++) await proxy.get(`/v2/made-up-${index}/manifests/tag-${index}`)
    const text = await (await proxy.get('/metrics')).text()
    expect(text).not.toContain('made-up')
    expect(text).not.toContain('tag-1')
    expect(
      await sample(proxy, 'entrepot_proxy_upstream_duration_seconds_count{repository="far",kind="manifest"}'),
    ).toBe(20)
  })
})

describe('requests to a proxy', () => {
  test('are known as hit, miss or stale', async () => {
    const { far, proxy } = await lab({ upstream: { tagAge: '0s' } })
    far.put('app', image, '1')
    const cacheOf = async (path: string) => {
      const incoming = fakeIncoming('GET', path)
      await (await proxy.app.handler(incoming)).arrayBuffer()
      await stored(proxy)
      return incoming.cache
    }
    expect(await cacheOf('/v2/app/manifests/1')).toBe('miss')
    expect(await cacheOf('/v2/app/manifests/1')).toBe('hit')
    expect(await cacheOf(`/v2/app/blobs/${layer.digest}`)).toBe('miss')
    expect(await cacheOf(`/v2/app/blobs/${layer.digest}`)).toBe('hit')
    expect(await cacheOf('/v2/app/manifests/other')).toBeUndefined()
    expect(await cacheOf('/v2/')).toBeUndefined()
    far.rude = (socket) => {
      socket.destroy()
      return true
    }
    expect(await cacheOf('/v2/app/manifests/1')).toBe('stale')
  })
})

describe('limits of an upstream', () => {
  test('let downloads wait for each other, with a clear answer when that takes too long', async () => {
    const { far, proxy } = await lab({ upstream: { maxDownloads: 1, responseTimeout: '100ms', idleTimeout: '10s' } })
    far.put('app', image, '1')
    const goOn = Promise.withResolvers<void>()
    far.rude = async (socket, request) => {
      if (!request.path.includes(layer.digest) || request.method !== 'GET') return false
      respond(socket, 200, { 'content-length': String(layer.bytes.length) })
      socket.write(layer.bytes.subarray(0, 1000))
      await goOn.promise
      socket.write(layer.bytes.subarray(1000))
      return true
    }
    const slow = proxy.get(`/v2/app/blobs/${layer.digest}`)
    while (far.count('GET', 'blobs') === 0) await Bun.sleep(5)
    const waiting = await proxy.get(`/v2/app/blobs/${image.config.digest}`)
    expect(waiting.status).toBe(504)
    expect(waiting.headers.get('retry-after')).toBe('10')
    expect(await waiting.text()).toContain('upstream.maxDownloads')
    goOn.resolve()
    expect(Buffer.compare(await (await slow).bytes(), layer.bytes)).toBe(0)
    const later = await proxy.get(`/v2/app/blobs/${image.config.digest}`)
    expect(Buffer.compare(await later.bytes(), image.config.bytes)).toBe(0)
  })

  test('slow downloads down to a bandwidth and lose nothing', async () => {
    const { far, proxy } = await lab({ upstream: { maxBandwidth: '3MB/s', maxDownloads: 2 } })
    far.put('app', image, '1')
    const answer = await proxy.get(`/v2/app/blobs/${layer.digest}`)
    expect(Buffer.compare(await answer.bytes(), layer.bytes)).toBe(0)
  })
})
