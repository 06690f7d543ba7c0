import { afterEach, expect, test } from 'bun:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeOnEachDatabase } from '../helpers/databases.ts'
import { type Image, makeImage } from '../helpers/oci.ts'
import { openProxyLab, type ProxyLab, startToyUpstream, type ToyUpstream } from '../helpers/proxy-lab.ts'

const day = 24 * 3_600_000
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const part of open.splice(0).reverse()) await part.close()
})

describeOnEachDatabase("a proxy's cache behind a group", (openDatabase) => {
  /** A group `all`, the default, of the hosted `private` and the proxy `hub`, whose upstream has `image` as `app:1`. */
  async function groupLab(
    image: Image,
  ): Promise<{ far: ToyUpstream; lab: ProxyLab; hits(kind: string): Promise<number> }> {
    const far = await startToyUpstream()
    open.push(far)
    far.put('app', image, '1')
    const database = await openDatabase()
    open.push(database)
    const lab = await openProxyLab('', {
      database: database.url,
      more: {
        storage: { inmemory: {}, delete: { enabled: true } },
        repositories: [
          { name: 'private' },
          { name: 'hub', type: 'proxy', upstream: { url: far.url, index: 'none', tagAge: '1h', keepFor: '720h' } },
          { name: 'all', type: 'group', members: ['private', 'hub'], writableMember: 'private' },
        ],
        defaultRepository: 'all',
      },
    })
    open.push(lab)
    const hits = async (kind: string) => {
      const text = await (await lab.get('/metrics')).text()
      const line = text.split('\n').find((one) => {
        const labels = ['repository="hub"', `kind="${kind}"`, 'result="hit"']
        return one.startsWith('entrepot_proxy_requests_total{') && labels.every((label) => one.includes(label))
      })
      return Number(line?.split(' ').at(-1) ?? 0)
    }
    return { far, lab, hits }
  }

  /** By digest, as a client that has the tag's digest pinned does. */
  async function pull({ app, get }: ProxyLab, { manifest, config, layers }: Image): Promise<void> {
    const answer = await get(`/v2/app/manifests/${manifest.digest}`)
    expect([answer.status, Buffer.from(await answer.bytes()).equals(manifest.bytes)]).toEqual([200, true])
    for (const { digest, bytes } of [config, ...layers]) {
      const got = await get(`/v2/app/blobs/${digest}`)
      expect([got.status, (await got.bytes()).length]).toEqual([200, bytes.length])
    }
    // The last byte is sent a moment before all is stored, and what is arriving is not evicted.
    while ((await app.db.queries.selectFrom('uploads').select('id').execute()).length > 0) await sleep(2)
  }

  const image = makeImage('group use', { layers: 1, layerSize: 10_000 })

  test('is not evicted as unused while it is pulled through the group', async () => {
    const { far, lab } = await groupLab(image)
    await pull(lab, image)
    for (let month = 0; month < 3; month++) {
      lab.pass(20 * day)
      await pull(lab, image)
      await lab.app.caches.noteUses()
    }
    expect(await lab.app.caches.tend()).toEqual({ manifests: 0, bytes: 0 })
    expect(far.count('GET', 'manifests')).toBe(1)
    lab.pass(31 * day)
    expect((await lab.app.caches.tend()).manifests).toBe(1)
  })

  test('counts what it answers as hits of the proxy', async () => {
    const { lab, hits } = await groupLab(image)
    await pull(lab, image)
    expect([await hits('manifest'), await hits('blob')]).toEqual([0, 0])
    await pull(lab, image)
    expect([await hits('manifest'), await hits('blob')]).toEqual([1, 2])
  })

  test('is not used by whoever only looks at it', async () => {
    const { lab, hits } = await groupLab(image)
    await pull(lab, image)
    lab.pass(31 * day)
    const refused = await lab.get(`/v2/app/manifests/${image.manifest.digest}`, {}, 'DELETE')
    expect(refused.status).not.toBe(202)
    await lab.app.caches.noteUses()
    expect(await hits('manifest')).toBe(0)
    expect((await lab.app.caches.tend()).manifests).toBe(1)
  })
})
