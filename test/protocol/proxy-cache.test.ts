import { afterEach, expect, test } from 'bun:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeOnEachDatabase } from '../helpers/databases.ts'
import { fakeIncoming } from '../helpers/fake-incoming.ts'
import { descriptorOf, type Image, makeImage, makeIndex, noiseBlob } from '../helpers/oci.ts'
import {
  openProxyLab,
  type ProxyLab,
  type ProxyLabOptions,
  startToyUpstream,
  type ToyUpstream,
} from '../helpers/proxy-lab.ts'
import { respond } from '../helpers/rude-upstream.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const part of open.splice(0).reverse()) await part.close()
})

/** Pulls all of an image by tag or digest; every byte must be right. */
async function pull(proxy: ProxyLab, name: string, reference: string, { manifest, config, layers }: Image) {
  const answer = await proxy.get(`/v2/${name}/manifests/${reference}`)
  expect(answer.status).toBe(200)
  expect(Buffer.from(await answer.bytes()).equals(manifest.bytes)).toBeTrue()
  for (const blob of [config, ...layers]) {
    const got = await proxy.get(`/v2/${name}/blobs/${blob.digest}`)
    expect(got.status).toBe(200)
    expect(Buffer.compare(await got.bytes(), blob.bytes)).toBe(0)
  }
  await stored(proxy)
  return answer
}

/** The last byte is sent a moment before all is stored, and what is arriving is not evicted. */
async function stored({ app }: ProxyLab): Promise<void> {
  const count = async () => (await app.db.queries.selectFrom('uploads').select('id').execute()).length
  while ((await count()) > 0) await sleep(2)
}

async function manifestsIn(proxy: ProxyLab): Promise<string[]> {
  const rows = await proxy.app.db.queries.selectFrom('manifests').select('digest').execute()
  return rows.map(({ digest }) => digest).sort()
}

const digestsOf = (...images: Pick<Image, 'manifest'>[]) => images.map(({ manifest }) => manifest.digest).sort()
const bytesOf = ({ config, layers }: Image) => [config, ...layers].reduce((sum, { bytes }) => sum + bytes.length, 0)

describeOnEachDatabase('the cache of a proxy', (openDatabase) => {
  async function lab(options: ProxyLabOptions = {}): Promise<{ far: ToyUpstream; proxy: ProxyLab }> {
    const far = await startToyUpstream()
    open.push(far)
    const database = await openDatabase()
    open.push(database)
    const proxy = await openProxyLab(far.url, {
      ...options,
      upstream: { tagAge: '1h', ...options.upstream },
      database: database.url,
    })
    open.push(proxy)
    return { far, proxy }
  }

  const old = makeImage('cache old', { layers: 1, layerSize: 100_000 })
  const middle = makeImage('cache middle', { layers: 1, layerSize: 100_000 })
  const young = makeImage('cache young', { layers: 1, layerSize: 100_000 })

  /** Three images, pulled an hour apart, the last of them an hour ago. */
  async function three(options: ProxyLabOptions, images: [Image, Image, Image] = [old, middle, young]) {
    const { far, proxy } = await lab(options)
    for (const [index, image] of images.entries()) {
      far.put(`app${index}`, image, '1')
      await pull(proxy, `app${index}`, '1', image)
      proxy.pass(hour)
    }
    return { far, proxy }
  }

  test('keeps everything unless told otherwise', async () => {
    const { proxy } = await three({})
    proxy.pass(3000 * day)
    expect(await proxy.app.caches.tend()).toEqual({ manifests: 0, bytes: 0 })
    expect(await manifestsIn(proxy)).toEqual(digestsOf(old, middle, young))
  })

  test('forgets what was not used for keepFor, and fetches it again when it is wanted', async () => {
    const { far, proxy } = await three({ upstream: { keepFor: '720h' } })
    proxy.pass(20 * day)
    await pull(proxy, 'app1', '1', middle)
    await pull(proxy, 'app2', young.manifest.digest, young)
    proxy.pass(20 * day)
    expect(await proxy.app.caches.tend()).toEqual({ manifests: 1, bytes: bytesOf(old) })
    expect(await manifestsIn(proxy)).toEqual(digestsOf(middle, young))
    proxy.pass(2 * hour)
    await proxy.app.collector.run()
    const blobs = await proxy.app.db.queries.selectFrom('blobs').select('digest').execute()
    expect(blobs.length).toBe(4)
    const asked = far.count('GET', 'blobs')
    await pull(proxy, 'app0', '1', old)
    expect(far.count('GET', 'blobs')).toBe(asked + 2)
    await pull(proxy, 'app1', '1', middle)
    expect(far.count('GET', 'blobs')).toBe(asked + 2)
  })

  test('writes down a use at most every ten minutes, and not in the pull itself', async () => {
    const { far, proxy } = await lab()
    far.put('app', old, '1')
    await pull(proxy, 'app', '1', old)
    const usedAt = async () =>
      (await proxy.app.db.queries.selectFrom('manifest_uses').select('used_at').executeTakeFirstOrThrow()).used_at
    const first = await usedAt()
    proxy.pass(20 * minute)
    await pull(proxy, 'app', '1', old)
    expect(await usedAt()).toBe(first)
    await proxy.app.caches.noteUses()
    const second = await usedAt()
    expect(second).toBeGreaterThanOrEqual(first + 20 * minute)
    proxy.pass(5 * minute)
    await pull(proxy, 'app', '1', old)
    await proxy.app.caches.noteUses()
    expect(await usedAt()).toBe(second)
    proxy.pass(10 * minute)
    await proxy.app.caches.noteUses()
    await pull(proxy, 'app', '1', old)
    await proxy.app.caches.noteUses()
    expect(await usedAt()).toBeGreaterThanOrEqual(second + 15 * minute)
  })

  test('above cacheSize loses what was not used for longest', async () => {
    const { far, proxy } = await three({ upstream: { cacheSize: '250KB' } })
    await pull(proxy, 'app0', '1', old)
    proxy.pass(hour)
    expect(await proxy.app.caches.tend()).toEqual({ manifests: 1, bytes: bytesOf(middle) })
    expect(await manifestsIn(proxy)).toEqual(digestsOf(old, young))
    proxy.pass(10 * minute)
    expect(await proxy.app.caches.tend()).toEqual({ manifests: 0, bytes: 0 })
    const page = await proxy.get('/metrics')
    const text = await page.text()
    expect(text).toContain(`entrepot_proxy_cache_bytes{repository="far"} ${bytesOf(old) + bytesOf(young)}\n`)
    expect(text).toContain('entrepot_proxy_evicted_manifests_total{repository="far"} 1\n')
    expect(text).toContain(`entrepot_proxy_evicted_bytes_total{repository="far"} ${bytesOf(middle)}\n`)
    expect(far.count('GET', 'manifests')).toBe(3)
  })

  test('never loses what was used within the last minutes', async () => {
    const { proxy } = await three({ upstream: { cacheSize: '1KB', keepFor: '1h' } })
    await pull(proxy, 'app1', '1', middle)
    proxy.pass(5 * minute)
    expect((await proxy.app.caches.tend()).manifests).toBe(2)
    expect(await manifestsIn(proxy)).toEqual(digestsOf(middle))
  })

  test('keeps an image whose layers a newer one needs, and loses the next that frees something', async () => {
    const sharing = makeImage('cache sharing', { layers: old.layers })
    const { proxy } = await three({ upstream: { cacheSize: '150KB' } }, [old, middle, sharing])
    expect(await proxy.app.caches.tend()).toEqual({ manifests: 1, bytes: bytesOf(middle) })
    expect(await manifestsIn(proxy)).toEqual(digestsOf(old, sharing))
  })

  test('loses images together that only together free a layer', async () => {
    const sharing = makeImage('cache sharing', { layers: old.layers })
    const { proxy } = await three({ upstream: { cacheSize: '150KB' } }, [old, sharing, young])
    const { manifests, bytes } = await proxy.app.caches.tend()
    expect({ manifests, bytes }).toEqual({ manifests: 2, bytes: bytesOf(old) + sharing.config.bytes.length })
    expect(await manifestsIn(proxy)).toEqual(digestsOf(young))
  })

  test('does not count, and does not lose, what another repository needs as well', async () => {
    const { proxy } = await three({
      upstream: { cacheSize: '120KB' },
      repositories: [{ name: 'private', type: 'hosted' }],
    })
    const { app } = proxy
    const push = (method: string, path: string, body: Uint8Array, headers = {}) =>
      app.handler(fakeIncoming(method, path, headers, { body }))
    for (const { bytes, digest } of [old.config, ...old.layers])
      expect((await push('POST', `/v2/private/mine/blobs/uploads/?digest=${digest}`, bytes)).status).toBe(201)
    const { bytes, mediaType } = old.manifest
    const headers = { 'content-type': mediaType }
    expect((await push('PUT', '/v2/private/mine/manifests/1', bytes, headers)).status).toBe(201)
    expect(await app.caches.tend()).toEqual({ manifests: 1, bytes: bytesOf(middle) })
    expect(await manifestsIn(proxy)).toEqual(digestsOf(old, old, young))
  })

  test('loses an index with the children that nobody used alone', async () => {
    const { far, proxy } = await lab({ upstream: { keepFor: '720h' } })
    const index = makeIndex([old, middle].map(({ manifest }) => descriptorOf(manifest)))
    for (const image of [old, middle]) far.put('app', image)
    far.put('app', { manifest: index, config: noiseBlob(1, 1), layers: [] }, '1')
    expect((await proxy.get('/v2/app/manifests/1')).status).toBe(200)
    await pull(proxy, 'app', old.manifest.digest, old)
    await pull(proxy, 'app', middle.manifest.digest, middle)
    proxy.pass(20 * day)
    // Whoever has the image asks for its index alone.
    expect((await proxy.get('/v2/app/manifests/1')).status).toBe(200)
    proxy.pass(20 * day)
    expect((await proxy.app.caches.tend()).manifests).toBe(0)
    await pull(proxy, 'app', middle.manifest.digest, middle)
    proxy.pass(20 * day)
    expect(await proxy.app.caches.tend()).toEqual({ manifests: 2, bytes: bytesOf(old) })
    expect(await manifestsIn(proxy)).toEqual(digestsOf(middle))
    expect(await proxy.app.db.queries.selectFrom('tags').selectAll().execute()).toEqual([])
  })

  test('loses an index with its children for the sake of the size, too', async () => {
    const { far, proxy } = await lab({ upstream: { cacheSize: '150KB' } })
    const index = makeIndex([old, middle].map(({ manifest }) => descriptorOf(manifest)))
    for (const image of [old, middle]) far.put('app', image)
    far.put('app', { manifest: index, config: noiseBlob(1, 1), layers: [] }, '1')
    await proxy.get('/v2/app/manifests/1')
    await pull(proxy, 'app', old.manifest.digest, old)
    await pull(proxy, 'app', middle.manifest.digest, middle)
    proxy.pass(hour)
    far.put('app2', young, '1')
    await pull(proxy, 'app2', '1', young)
    proxy.pass(hour)
    expect(await proxy.app.caches.tend()).toEqual({ manifests: 3, bytes: bytesOf(old) + bytesOf(middle) })
    expect(await manifestsIn(proxy)).toEqual(digestsOf(young))
  })

  test('forgets nothing by age for a day when the clock was set forward', async () => {
    const { proxy } = await three({ upstream: { keepFor: '720h' } })
    expect((await proxy.app.caches.tend()).manifests).toBe(0)
    proxy.setClock(60 * day)
    expect((await proxy.app.caches.tend()).manifests).toBe(0)
    proxy.pass(20 * hour)
    expect((await proxy.app.caches.tend()).manifests).toBe(0)
    await pull(proxy, 'app1', '1', middle)
    proxy.pass(5 * hour)
    // Nobody has set it back, so it may be right.
    expect((await proxy.app.caches.tend()).manifests).toBe(2)
    expect(await manifestsIn(proxy)).toEqual(digestsOf(middle))
  })

  test('loses nothing that was just used for the sake of the size when the clock was set forward', async () => {
    const { proxy } = await three({ upstream: { cacheSize: '250KB' } })
    await pull(proxy, 'app0', '1', old)
    proxy.setClock(60 * day)
    expect((await proxy.app.caches.tend()).manifests).toBe(0)
    proxy.pass(20 * minute)
    expect((await proxy.app.caches.tend()).manifests).toBe(1)
    expect(await manifestsIn(proxy)).toEqual(digestsOf(old, young))
  })

  test('does not keep for ever what was used while the clock was ahead', async () => {
    const { proxy } = await three({ upstream: { keepFor: '720h' } })
    await proxy.app.caches.tend()
    proxy.setClock(365 * day)
    await pull(proxy, 'app1', '1', middle)
    await proxy.app.caches.noteUses()
    proxy.setClock(-365 * day)
    proxy.pass(10 * minute)
    expect((await proxy.app.caches.tend()).manifests).toBe(0)
    proxy.pass(29 * day)
    expect((await proxy.app.caches.tend()).manifests).toBe(0)
    proxy.pass(2 * day)
    expect((await proxy.app.caches.tend()).manifests).toBe(3)
  })

  test('lets a pull that has begun finish although its image was evicted', async () => {
    const { far, proxy } = await three({ upstream: { cacheSize: '150KB' } })
    const manifest = await proxy.get('/v2/app0/manifests/1')
    expect(manifest.status).toBe(200)
    proxy.pass(hour)
    expect((await proxy.app.caches.tend()).manifests).toBe(2)
    await proxy.app.collector.run()
    far.rude = (socket) => {
      socket.destroy()
      return true
    }
    proxy.pass(30 * minute)
    for (const image of [old, middle, young])
      for (const { digest } of image.layers) {
        const name = `app${[old, middle, young].indexOf(image)}`
        expect((await proxy.get(`/v2/${name}/blobs/${digest}`)).status).toBe(200)
      }
  })

  test('does not lose an image that is arriving', async () => {
    const { far, proxy } = await three({ upstream: { cacheSize: '1KB', keepFor: '1h', idleTimeout: '1m' } })
    const slow = makeImage('cache slow', { layers: 1, layerSize: 2_000_000 })
    far.put('app1', slow, '2')
    expect((await proxy.get('/v2/app1/manifests/2')).status).toBe(200)
    const rest = Promise.withResolvers<void>()
    far.rude = async (socket, { method, path }) => {
      if (method !== 'GET' || !path.includes('/blobs/')) return false
      const { bytes } = slow.layers[0]!
      respond(socket, 200, { 'content-length': String(bytes.length) })
      socket.write(bytes.subarray(0, 1000))
      await rest.promise
      socket.write(bytes.subarray(1000))
      return true
    }
    const arriving = await proxy.get(`/v2/app1/blobs/${slow.layers[0]!.digest}`)
    const reader = arriving.body!.getReader()
    await reader.read()
    proxy.pass(hour)
    expect((await proxy.app.caches.tend()).manifests).toBe(2)
    rest.resolve()
    for (let next = await reader.read(); !next.done; next = await reader.read());
    expect(await manifestsIn(proxy)).toEqual(digestsOf(middle, slow))
  })
})
