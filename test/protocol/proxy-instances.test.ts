import { afterEach, describe, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTestPostgres } from '../helpers/databases.ts'
import { type Image, makeImage } from '../helpers/oci.ts'
import { temporaryFolder } from '../helpers/process.ts'
import { openProxyLab, type ProxyLab, startToyUpstream, type ToyUpstream } from '../helpers/proxy-lab.ts'

const hour = 3_600_000
const postgres = process.env['ENTREPOT_TEST_POSTGRES']
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const part of open.splice(0).reverse()) await part.close()
})

interface Instances {
  far: ToyUpstream
  one: ProxyLab
  other: ProxyLab
  pass(ms: number): void
}

/** Two instances with one database and one store. */
async function instances(upstream: Record<string, unknown> = {}): Promise<Instances> {
  const far = await startToyUpstream()
  open.push(far)
  const database = await openTestPostgres(postgres!)
  open.push(database)
  const folder = temporaryFolder('shared')
  open.push({ close: async () => rmSync(folder, { recursive: true, force: true }) })
  const start = async () => {
    const more = { storage: { filesystem: { rootdirectory: folder } } }
    const proxy = await openProxyLab(far.url, { database: database.url, upstream, more })
    open.push(proxy)
    return proxy
  }
  const [one, other] = [await start(), await start()]
  const pass = (ms: number) => {
    one.pass(ms)
    other.pass(ms)
  }
  return { far, one, other, pass }
}

/** Pulls an image; every byte must be right. */
async function pull(proxy: ProxyLab, image: string, reference: string, { manifest, config, layers }: Image) {
  const answer = await proxy.get(`/v2/${image}/manifests/${reference}`)
  expect(answer.status).toBe(200)
  expect(Buffer.compare(await answer.bytes(), manifest.bytes)).toBe(0)
  expect(answer.headers.get('warning')).toBeNull()
  await Promise.all(
    [config, ...layers].map(async ({ digest, bytes }) => {
      const blob = await proxy.get(`/v2/${image}/blobs/${digest}`)
      expect(blob.status).toBe(200)
      expect(Buffer.compare(await blob.bytes(), bytes)).toBe(0)
    }),
  )
}

/** Until nothing is on its way any more. */
async function settled({ app }: ProxyLab): Promise<void> {
  const count = async () => (await app.db.queries.selectFrom('uploads').select('id').execute()).length
  while ((await count()) > 0) await sleep(5)
}

describe.skipIf(!postgres)('two instances with one database and one store', () => {
  const image = makeImage('two instances', { layers: 3, layerSize: 2_000_000 })
  const blobs = 4

  test('answer many clients that want the same at once, each with at most one download of it', async () => {
    const { far, one, other } = await instances()
    far.put('team/app', image, '1')
    const clients = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : other))
    await Promise.all(clients.map((proxy) => pull(proxy, 'team/app', '1', image)))
    await settled(one)
    expect(far.count('GET', 'manifests')).toBeLessThanOrEqual(2)
    expect(far.count('GET', 'blobs')).toBeLessThanOrEqual(2 * blobs)
    const rows = await one.app.db.queries.selectFrom('blobs').select(['state', 'size']).execute()
    expect(rows.map(({ state }) => state)).toEqual(Array.from({ length: blobs }, () => 'live'))
    const asked = far.requests.length
    for (const proxy of [one, other]) await pull(proxy, 'team/app', '1', image)
    expect(far.requests.length).toBe(asked)
    expect([...one.lines, ...other.lines]).toEqual([])
  })

  test('learn from each other where a tag points, and which uses there were', async () => {
    const { far, one, other, pass } = await instances({ keepFor: '24h' })
    far.put('app', image, '1')
    await pull(one, 'app', '1', image)
    await settled(one)
    pass(20 * hour)
    await pull(other, 'app', '1', image)
    await other.app.caches.noteUses()
    expect(far.count('HEAD', 'manifests')).toBe(1)
    await pull(one, 'app', '1', image)
    expect(far.count('HEAD', 'manifests')).toBe(1)
    pass(20 * hour)
    expect((await one.app.caches.tend()).manifests).toBe(0)
    pass(hour)
    expect((await other.app.caches.tend()).manifests).toBe(0)
    pass(5 * hour)
    expect((await other.app.caches.tend()).manifests).toBe(1)
  })

  test('take turns in looking after the caches, and both tell their size', async () => {
    const { far, one, other, pass } = await instances({ cacheSize: '1MB' })
    far.put('app', image, '1')
    await pull(one, 'app', '1', image)
    await settled(one)
    pass(hour)
    const both = await Promise.all([one.app.caches.tend(), other.app.caches.tend()])
    expect(both.map(({ manifests }) => manifests).sort()).toEqual([0, 1])
    await one.app.caches.tend()
    await other.app.caches.tend()
    for (const proxy of [one, other]) {
      const page = await (await proxy.get('/metrics')).text()
      expect(page.match(/^entrepot_proxy_cache_bytes.*$/gm)).toEqual(['entrepot_proxy_cache_bytes{repository="far"} 0'])
    }
  })

  test('serve every pull while one of them evicts', async () => {
    const { far, one, other, pass } = await instances({ cacheSize: '5MB' })
    const images = Array.from({ length: 4 }, (_, index) =>
      makeImage(`evicting ${index}`, { layers: image.layers.slice(0, 1 + (index % 3)) }),
    ).concat(makeImage('evicting own', { layers: 2, layerSize: 1_500_000 }))
    for (const [index, one] of images.entries()) far.put(`app${index}`, one, '1')
    const pullAll = (proxy: ProxyLab) =>
      Promise.all(images.map((wanted, index) => pull(proxy, `app${index}`, '1', wanted)))
    let evicted = 0
    for (let round = 0; round < 6; round++) {
      await Promise.all([
        pullAll(other),
        round % 2 === 0 ? pullAll(one) : undefined,
        one.app.caches.tend().then(({ manifests }) => {
          evicted += manifests
        }),
        round === 3 ? one.app.collector.run() : undefined,
      ])
      await settled(one)
      pass(2 * hour)
    }
    expect(evicted).toBeGreaterThan(0)
    expect([...one.lines, ...other.lines]).toEqual([])
    const missing = await one.app.db.queries
      .selectFrom('tags')
      .leftJoin('manifests', (join) =>
        join.onRef('manifests.image_id', '=', 'tags.image_id').onRef('manifests.digest', '=', 'tags.digest'),
      )
      .select('tags.name')
      .where('manifests.id', 'is', null)
      .execute()
    expect(missing).toEqual([])
  }, 30_000)
})
