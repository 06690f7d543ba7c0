import { beforeAll, expect, test } from 'bun:test'
import { listAuditEvents } from '../../src/database/audit.ts'
import { openListener } from '../../src/http/listener.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { waitFor } from '../helpers/process.ts'
import { configOf, describeRegistry, digestOf, imageManifest, layerOf } from '../helpers/registry.ts'

const passwordHash = await Bun.password.hash('secret', { algorithm: 'bcrypt', cost: 4 })
const office = '10.1.2.3'
const outside = '198.51.100.9'

const settings = {
  auth: undefined,
  repositories: [
    { name: 'private' },
    { name: 'office', allowFrom: ['10.0.0.0/8', 'fd00::/8'] },
    { name: 'open', allowFrom: ['10.0.0.0/8'] },
    {
      name: 'images',
      type: 'group',
      members: ['private', { repository: 'office', images: ['corp/**'] }],
      writableMember: 'private',
    },
    { name: 'around', type: 'group', members: ['images'] },
  ],
  defaultRepository: 'private',
  users: [
    { name: 'root', passwordHash, admin: true },
    { name: 'dev', passwordHash, grants: [{ repository: '*', role: 'maintainer' }] },
    { name: 'nobody', passwordHash },
  ],
  anonymous: { pull: ['open'] },
}

const as = (name: string) => (name === '-' ? {} : { authorization: `Basic ${btoa(`${name}:secret`)}` })

describeRegistry('a repository that is used from some addresses only', settings, (registry) => {
  const from = (clientAddress: string, method: string, target: string, name = 'dev', body?: string, more = {}) =>
    registry.request(method, target, { headers: { ...as(name), ...more }, clientAddress, ...(body && { body }) })
  const statusFrom = async (...given: Parameters<typeof from>) => (await from(...given)).status

  async function push(image: string) {
    const manifest = imageManifest(image)
    for (const content of [configOf(image), layerOf(image)])
      expect(
        await statusFrom(office, 'POST', `/v2/${image}/blobs/uploads/?digest=${digestOf(content)}`, 'dev', content),
      ).toBe(201)
    const type = { 'content-type': manifest.mediaType }
    expect(await statusFrom(office, 'PUT', `/v2/${image}/manifests/1`, 'dev', JSON.stringify(manifest), type)).toBe(201)
  }
  beforeAll(async () => {
    for (const image of ['private/app', 'office/app', 'office/corp/app', 'open/app']) await push(image)
  })

  for (const address of [office, 'fd00::1', '::ffff:10.1.2.3', '::ffff:0a01:0203'])
    test(`answers ${address}`, async () => {
      expect(await statusFrom(address, 'GET', '/v2/office/app/manifests/1')).toBe(200)
    })

  for (const address of [outside, 'fe80::1', '::ffff:198.51.100.9', '127.0.0.1', ''])
    for (const [method, path, body] of [
      ['GET', 'manifests/1'],
      ['HEAD', 'manifests/1'],
      ['GET', `blobs/${digestOf(layerOf('office/app'))}`],
      ['GET', 'tags/list'],
      ['GET', `referrers/${digestOf('x')}`],
      ['POST', 'blobs/uploads/'],
      ['PUT', 'manifests/2', '{}'],
      ['DELETE', 'manifests/1'],
      ['GET', 'manifests/none'],
    ] as const)
      test(`refuses ${method} ${path.slice(0, 20)} from ${JSON.stringify(address)}, admins too`, async () => {
        for (const name of ['dev', 'root'])
          expect(await statusFrom(address, method, `/v2/office/app/${path}`, name, body)).toBe(403)
      })

  test('says to those who might come from elsewhere that it is the address, and to others nothing', async () => {
    const { errors } = (await (await from(outside, 'GET', '/v2/office/app/manifests/1')).json()) as {
      errors: { message: string }[]
    }
    expect(errors[0]?.message).toContain(`from ${outside}`)
    const others = await Promise.all(
      ['office/app', 'private/app', 'office/none'].map(async (image) =>
        (await from(outside, 'GET', `/v2/${image}/manifests/1`, 'nobody')).text(),
      ),
    )
    expect(new Set(others).size).toBe(1)
    expect(others[0]).not.toContain(outside)
  })

  test('is open without a login from those addresses only', async () => {
    expect(await statusFrom(office, 'GET', '/v2/open/app/manifests/1', '-')).toBe(200)
    expect(await statusFrom(outside, 'GET', '/v2/open/app/manifests/1', '-')).toBe(403)
    expect(await statusFrom(outside, 'GET', '/v2/office/app/manifests/1', '-')).toBe(401)
    const wrong = { headers: { authorization: `Basic ${btoa('dev:wrong')}` } }
    expect(
      (await registry.request('GET', '/v2/open/app/manifests/1', { ...wrong, clientAddress: office })).status,
    ).toBe(200)
    expect(
      (await registry.request('GET', '/v2/open/app/manifests/1', { ...wrong, clientAddress: outside })).status,
    ).toBe(401)
  })

  test('counts through groups for what its members would be asked for, also in groups of groups', async () => {
    for (const group of ['images', 'around']) {
      expect(await statusFrom(office, 'GET', `/v2/${group}/corp/app/manifests/1`)).toBe(200)
      expect(await statusFrom(outside, 'GET', `/v2/${group}/corp/app/manifests/1`)).toBe(403)
      expect(await statusFrom(outside, 'GET', `/v2/${group}/app/manifests/1`)).toBe(200)
    }
  })

  test('is not in lists and searches elsewhere', async () => {
    const names = async (address: string) =>
      ((await (await from(address, 'GET', '/v2/_catalog')).json()) as { repositories: string[] }).repositories
    expect(await names(office)).toContain('office/app')
    expect((await names(outside)).filter((name) => /office|open|corp/.test(name))).toEqual([])
    expect(await names(outside)).toContain('app')
    const found = await (await from(outside, 'GET', '/v1/search?q=corp')).json()
    expect(found).toMatchObject({ num_results: 0 })
  })

  test('gives nothing to a mount from elsewhere, with its name or without', async () => {
    const digest = digestOf(layerOf('office/app'))
    for (const source of ['&from=office/app', '']) {
      const target = `/v2/private/thief/blobs/uploads/?mount=${digest}${source}`
      expect(await statusFrom(outside, 'POST', target)).toBe(202)
    }
    expect(await statusFrom(office, 'POST', `/v2/private/thief/blobs/uploads/?mount=${digest}&from=office/app`)).toBe(
      201,
    )
  })

  test('is refused by the API in the same way', async () => {
    const api = async (address: string, path: string) => {
      const incoming = registry.incoming('GET', `/api/v1${path}`, as('dev'), { clientAddress: address })
      const answer = await registry.app().handler(incoming)
      return { status: answer.status, text: await answer.text() }
    }
    expect((await api(office, '/repositories')).text).toContain('"name":"office"')
    expect((await api(outside, '/repositories')).text).not.toContain('"name":"office"')
    expect((await api(outside, '/repositories/office')).status).toBe(404)
    expect((await api(office, '/repositories/office/images/app/tags')).status).toBe(200)
    expect((await api(outside, '/repositories/office/images/app/tags')).status).toBe(403)
  })

  test('is no way around by a token that was fetched where it may be used', async () => {
    const scope = 'scope=repository:office/app:pull'
    const token = async (address: string) =>
      ((await (await from(address, 'GET', `/v2/_token?service=x&${scope}`)).json()) as { token: string }).token
    const pull = async (address: string, bearer: string) =>
      (
        await registry.request('GET', '/v2/office/app/manifests/1', {
          headers: { authorization: `Bearer ${bearer}` },
          clientAddress: address,
        })
      ).status
    const inside = await token(office)
    expect(await pull(office, inside)).toBe(200)
    expect(await pull(outside, inside)).toBe(403)
    expect(await pull(office, await token(outside))).toBe(401)
  })

  test('tells the audit log of those who came from elsewhere', async () => {
    await from(outside, 'GET', '/v2/office/told/manifests/1')
    const { queries } = registry.app().db
    const find = () =>
      listAuditEvents(queries, { result: 'denied', repository: 'office', actor: 'dev' }, { limit: 100 })
    const isIt = ({ object, detail }: { object: string; detail: string | null }) =>
      object === 'told:1' && detail?.includes('address')
    await waitFor('the event', async () => (await find()).some(isIt))
  })

  test('believes forwarded addresses from trusted peers alone', async () => {
    const statusAt = async (trust: string[], header: Record<string, string>) => {
      const listener = await openListener({
        addr: '127.0.0.1:0',
        handler: registry.app().handler,
        trust,
        log: createLog(),
      })
      try {
        const answer = await fetch(`${listener.address}/v2/office/app/manifests/1`, {
          headers: { ...as('dev'), ...header },
        })
        await answer.bytes()
        return answer.status
      } finally {
        await listener.stop(1000)
      }
    }
    for (const header of [{ 'x-forwarded-for': office }, { forwarded: `for=${office}` }, { 'x-real-ip': office }]) {
      expect(await statusAt([], header)).toBe(403)
      expect(await statusAt(['127.0.0.1'], header)).toBe(200)
    }
    // What the client put there itself stands to the left of what the proxy has seen.
    expect(await statusAt(['127.0.0.1'], { 'x-forwarded-for': `${office}, ${outside}` })).toBe(403)
  })
})
