import { describe, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeImage } from '../helpers/oci.ts'
import { temporaryFolder } from '../helpers/process.ts'
import { labsOfTests, openProxyLab, type ProxyLab, startToyUpstream } from '../helpers/proxy-lab.ts'

const minute = 60_000
const { open, lab } = labsOfTests()

const first = makeImage('freshness first', {})
const second = makeImage('freshness second', {})

async function tagOf(proxy: ProxyLab, tag = '1'): Promise<string | null> {
  const answer = await proxy.get(`/v2/app/manifests/${tag}`)
  expect(answer.status).toBe(200)
  return answer.headers.get('docker-content-digest')
}

/** Waits for what happens in the background. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(2)
}

const errorOf = async (answer: Response) =>
  ((await answer.json()) as { errors: { code: string; message: string }[] }).errors[0]!

describe('a tag in the last quarter of its age', () => {
  test('is answered at once and asked for in the background, so that nobody waits at its end', async () => {
    const { far, proxy } = await lab({ upstream: { tagAge: '8m' } })
    far.put('app', first, '1')
    await tagOf(proxy)
    proxy.pass(5 * minute)
    await tagOf(proxy)
    expect(far.count('HEAD', 'manifests')).toBe(0)
    proxy.pass(2 * minute)
    const gate = Promise.withResolvers<void>()
    far.rude = async (_, { method }) => {
      if (method === 'HEAD') await gate.promise
      return false
    }
    for (const _ of [1, 2, 3]) expect(await tagOf(proxy)).toBe(first.manifest.digest)
    gate.resolve()
    const checkedAt = async () =>
      (await proxy.app.db.queries.selectFrom('tags').select('checked_at').executeTakeFirstOrThrow()).checked_at!
    const before = await checkedAt()
    await until(async () => (await checkedAt()) > before + minute)
    expect(far.count('HEAD', 'manifests')).toBe(1)
    proxy.pass(5 * minute)
    expect(await tagOf(proxy)).toBe(first.manifest.digest)
    expect(far.count('HEAD', 'manifests')).toBe(1)
  })

  test('brings a tag that has moved before its age is over', async () => {
    const { far, proxy } = await lab({ upstream: { tagAge: '8m' } })
    far.put('app', first, '1')
    await tagOf(proxy)
    far.put('app', second, '1')
    proxy.pass(7 * minute)
    expect(await tagOf(proxy)).toBe(first.manifest.digest)
    await until(async () => (await tagOf(proxy)) === second.manifest.digest)
    expect(far.count('HEAD', 'manifests')).toBe(1)
  })

  test('is asked for in the background for a few tags at once', async () => {
    const { far, proxy } = await lab({ upstream: { tagAge: '8m' } })
    const tags = Array.from({ length: 20 }, (_, index) => `t${index}`)
    for (const tag of tags) {
      far.put('app', first, tag)
      await tagOf(proxy, tag)
    }
    proxy.pass(7 * minute)
    const gate = Promise.withResolvers<void>()
    far.rude = async (_, { method }) => {
      if (method === 'HEAD') await gate.promise
      return false
    }
    for (const tag of tags) await tagOf(proxy, tag)
    await until(() => far.count('HEAD', 'manifests') > 0)
    expect(far.count('HEAD', 'manifests')).toBeLessThanOrEqual(4)
    gate.resolve()
  })

  test('is answered without a warning while the upstream is down, and with one once its age is over', async () => {
    const { far, proxy } = await lab({ upstream: { tagAge: '8m' } })
    far.put('app', first, '1')
    await tagOf(proxy)
    far.rude = (socket) => {
      socket.destroy()
      return true
    }
    proxy.pass(7 * minute)
    const early = await proxy.get('/v2/app/manifests/1')
    expect(early.headers.get('warning')).toBeNull()
    await until(async () =>
      (await (await proxy.get('/metrics')).text()).includes('upstream_errors_total{repository="far"'),
    )
    expect(proxy.lines.filter((line) => line.includes('proxy'))).toEqual([])
    proxy.pass(2 * minute)
    const late = await proxy.get('/v2/app/manifests/1')
    expect(late.status).toBe(200)
    expect(late.headers.get('warning')).toContain('110 - "served from the cache')
  })

  test('does not exist where every pull asks', async () => {
    const { far, proxy } = await lab({ upstream: { tagAge: '0s' } })
    far.put('app', first, '1')
    for (const _ of [1, 2, 3]) await tagOf(proxy)
    expect(far.count('HEAD', 'manifests')).toBe(2)
    far.put('app', second, '1')
    expect(await tagOf(proxy)).toBe(second.manifest.digest)
  })
})

describe('an upstream that is blocked by hand', () => {
  test('is asked nothing: what is cached is served with a warning, the rest is refused with the cause', async () => {
    const far = await startToyUpstream()
    open.push(far)
    far.put('app', first, '1')
    const folder = temporaryFolder('blocked')
    open.push({ close: async () => rmSync(folder, { recursive: true, force: true }) })
    const before = await openProxyLab(far.url, { folder })
    await tagOf(before)
    const { config, layers } = first
    for (const { digest } of [config, ...layers]) await (await before.get(`/v2/app/blobs/${digest}`)).bytes()
    await before.close()
    const asked = far.requests.length

    const proxy = await openProxyLab(far.url, { folder, upstream: { blocked: true } })
    open.push(proxy)
    const fresh = await proxy.get('/v2/app/manifests/1')
    expect([fresh.status, fresh.headers.get('warning')]).toEqual([200, null])
    proxy.pass(10 * minute)
    const cause = 'upstream far is blocked: by its settings (blocked: true)'
    const old = await proxy.get('/v2/app/manifests/1')
    expect([old.status, old.headers.get('warning')]).toEqual([200, `110 - "served from the cache: ${cause}"`])
    for (const { digest, bytes } of [config, ...layers]) {
      const blob = await proxy.get(`/v2/app/blobs/${digest}`)
      expect(blob.status).toBe(200)
      expect(Buffer.compare(await blob.bytes(), bytes)).toBe(0)
    }
    const tags = await proxy.get('/v2/app/tags/list')
    expect(await tags.json()).toEqual({ name: 'app', tags: ['1'] })
    const others = [
      'manifests/2',
      `manifests/${second.manifest.digest}`,
      `blobs/${second.config.digest}`,
      `referrers/${second.manifest.digest}`,
    ]
    for (const path of others) {
      const answer = await proxy.get(`/v2/app/${path}`)
      expect(answer.status).toBe(503)
      expect((await errorOf(answer)).message).toBe(cause)
      // Nothing gets better by itself.
      expect(answer.headers.get('retry-after')).toBeNull()
    }
    expect((await proxy.get('/v2/other/tags/list')).status).toBe(503)
    expect(far.requests.length).toBe(asked)
  })
})
