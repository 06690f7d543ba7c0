import { beforeAll, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { apiOf } from '../helpers/api.ts'
import { describeRegistry } from '../helpers/registry.ts'
import { respond, startRudeUpstream } from '../helpers/rude-upstream.ts'

const settings = {
  auth: undefined,
  blobStores: { fast: { inmemory: {} } },
  repositories: [{ name: 'private' }, { name: 'team' }],
  users: [{ name: 'lena', password: 'a good password', grants: [{ role: 'maintainer', repository: 'team' }] }],
  outbound: { allow: [] },
}

interface Form {
  name: string
  may: string[]
  online: boolean
  quota?: { bytes: number }
  managed?: { by: string; settings: Record<string, unknown>; upstream?: { state: string; hasPassword: boolean } }
}

describeRegistry('repositories in the API', settings, (registry) => {
  const api = apiOf(registry)
  const { call, refused } = api
  const lena = { name: 'lena', password: 'a good password' }
  const at = (name: string) => `/repositories/${name}`

  beforeAll(() => registry.app().startJobs())

  test('one is made, read, changed and removed, and all of it is in the audit log', async () => {
    const admin = api.admin()
    const made = await api.expect<Form>(201, admin, 'PUT', at('one'), { description: 'first', quota: { bytes: '1GB' } })
    expect(made).toMatchObject({
      name: 'one',
      type: 'hosted',
      online: true,
      description: 'first',
      quota: { bytes: 1e9 },
    })
    expect(made.managed).toMatchObject({ by: 'database', settings: { name: 'one' } })
    await api.expect(200, admin, 'PUT', at('one'), { description: 'again' })
    expect((await api.expect<Form>(200, admin, 'GET', at('one'))).quota).toBeUndefined()
    const changed = await api.expect<Form>(200, admin, 'PATCH', at('one'), {
      writePolicy: 'read-only',
      description: null,
    })
    expect(changed).toMatchObject({ writePolicy: 'read-only', description: '' })
    expect((await api.expect<Form>(200, admin, 'POST', `${at('one')}/offline`)).online).toBe(false)
    expect((await api.expect<Form>(200, admin, 'POST', `${at('one')}/online`)).online).toBe(true)
    expect(await api.expect(200, admin, 'GET', `${at('one')}/usage`)).toEqual({ bytes: 0, tags: 0, images: 0 })
    await api.expect(204, admin, 'DELETE', at('one'))
    await refused(404, 'image-unknown', admin, 'DELETE', at('one'))
    for (let round = 0; ; round++) {
      const events = await api.expect<{ action: string }[]>(200, admin, 'GET', '/audit?repository=one')
      if (events.length >= 6 || round > 100) {
        expect(events.map(({ action }) => action)).toContain('repository.remove')
        break
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })

  test('a change that relies on another version is refused', async () => {
    const admin = api.admin()
    await api.expect(201, admin, 'PUT', at('versioned'), {})
    const { headers } = await call(admin, 'GET', at('versioned'))
    const etag = headers.get('etag') ?? ''
    const first = await call(admin, 'PATCH', at('versioned'), { description: 'a' }, { 'if-match': etag })
    expect(first.status).toBe(200)
    for (const method of ['PATCH', 'PUT'])
      expect(await call(admin, method, at('versioned'), { description: 'b' }, { 'if-match': etag })).toMatchObject({
        status: 412,
        body: { code: 'changed-meanwhile' },
      })
    expect((await call(admin, 'DELETE', at('versioned'), undefined, { 'if-match': etag })).status).toBe(412)
    const next = { 'if-match': first.headers.get('etag') ?? '' }
    expect((await call(admin, 'DELETE', at('versioned'), undefined, next)).status).toBe(204)
  })

  test('what is wrong with a form is said field by field', async () => {
    const admin = api.admin()
    const { status, body } = await call<{ detail: { field: string }[] }>(admin, 'PUT', at('wrong'), {
      type: 'proxy',
      upstream: { url: 'nonsense', tagAge: 'soon', colour: 'red' },
    })
    expect(status).toBe(400)
    expect(body.detail.map(({ field }) => field).sort()).toEqual(['upstream.colour', 'upstream.tagAge', 'upstream.url'])
    await refused(400, 'request-invalid', admin, 'PUT', at('wrong'), { name: 'other' })
    await refused(400, 'request-invalid', admin, 'PUT', at('Wrong%20name'), {})
    await refused(400, 'request-invalid', admin, 'PATCH', at('private'), { online: 'perhaps' })
    expect(await refused(403, 'policy-refused', admin, 'PATCH', at('private'), { description: 'x' })).toContain(
      'configuration file',
    )
    expect(await refused(403, 'policy-refused', admin, 'DELETE', at('private'))).toBeTruthy()
  })

  test('secrets never come back, and stay when what was shown comes back', async () => {
    const admin = api.admin()
    const upstream = { url: 'https://registry.example.com', username: 'us', password: 'upstream secret' }
    const made = await api.expect<Form>(201, admin, 'PUT', at('hidden'), { type: 'proxy', upstream })
    expect(JSON.stringify(made)).not.toContain('upstream secret')
    expect(made.managed).toMatchObject({ upstream: { hasPassword: true, state: 'ok' } })
    const put = await api.expect<Form>(200, admin, 'PUT', at('hidden'), { ...made.managed?.settings, description: 'x' })
    expect(put.managed?.upstream?.hasPassword).toBe(true)
    const without = await api.expect<Form>(200, admin, 'PATCH', at('hidden'), { upstream: { password: null } })
    expect(without.managed?.upstream?.hasPassword).toBe(false)
  })

  test('files of the server cannot be read by naming them as authorities', async () => {
    const secret = join(registry.dataDir, 'secret.txt')
    writeFileSync(secret, 'a secret of the server')
    const upstream = { url: 'https://registry.example.com', ca: secret }
    await refused(400, 'request-invalid', api.admin(), 'PUT', at('reader'), { type: 'proxy', upstream })
    await refused(400, 'request-invalid', api.admin(), 'POST', '/upstreams/check', upstream)
  })

  test('the connection to an upstream is tested, and what fails is said in words', async () => {
    const admin = api.admin()
    const upstream = await startRudeUpstream((socket) => respond(socket, 200, {}, '{}'))
    try {
      await api.expect(201, admin, 'PUT', at('proxied'), { type: 'proxy', upstream: { url: upstream.url } })
      expect(await api.expect(200, admin, 'POST', `${at('proxied')}/check`)).toMatchObject({ ok: true })
      expect(await api.expect(200, admin, 'POST', '/upstreams/check', { url: upstream.url })).toMatchObject({
        ok: true,
      })
    } finally {
      await upstream.close()
    }
    const failed = await api.expect(200, admin, 'POST', `${at('proxied')}/check`)
    expect(failed).toMatchObject({ ok: false })
    expect(failed['problem']).toContain('refuses connections')
    const forbidden = await api.expect(200, admin, 'POST', '/upstreams/check', { url: 'http://169.254.169.254/latest' })
    expect(forbidden['problem']).toContain('may not reach')
    await refused(400, 'request-invalid', admin, 'POST', `${at('private')}/check`)
    const list = await api.expect<{ repository: string }[]>(200, admin, 'GET', '/upstreams')
    expect(list.map(({ repository }) => repository)).toContain('proxied')
  })

  test('content moves to another store by a job', async () => {
    const admin = api.admin()
    await api.expect(201, admin, 'PUT', at('moving'), {})
    const content = new Uint8Array(1000)
    const authorization = `Basic ${Buffer.from(`${admin.name}:${admin.password}`).toString('base64')}`
    const digest = `sha256:${new Bun.CryptoHasher('sha256').update(content).digest('hex')}`
    await registry.expect(201, 'POST', `/v2/moving/app/blobs/uploads/?digest=${digest}`, {
      headers: { authorization },
      body: content,
    })
    const { status, body, headers } = await call<{ id: number }>(admin, 'PATCH', at('moving'), {
      blobStore: 'fast',
      description: 'goes',
    })
    expect([status, headers.get('location')]).toEqual([202, `/api/v1/jobs/${body.id}`])
    expect(await api.ended(admin, body.id)).toMatchObject({ state: 'done', progress: { blobs: 1, bytes: 1000 } })
    expect(await api.expect(200, admin, 'GET', at('moving'))).toMatchObject({ blobStore: 'fast', description: 'goes' })
    const back = await api.expect<{ id: number }>(202, admin, 'POST', `${at('moving')}/move`, { blobStore: 'default' })
    expect(await api.ended(admin, back.id)).toMatchObject({ state: 'done' })
    await refused(400, 'request-invalid', admin, 'POST', `${at('moving')}/move`, { blobStore: 'nowhere' })
    await refused(400, 'request-invalid', admin, 'POST', `/jobs/${back.id}/cancel`)
    expect((await api.expect<object[]>(200, admin, 'GET', '/jobs?object=moving')).length).toBe(2)
    const collected = await api.expect<{ id: number }>(202, admin, 'POST', '/gc')
    expect(await api.ended(admin, collected.id)).toMatchObject({ state: 'done' })
    await registry.expect(200, 'GET', `/v2/moving/app/blobs/${digest}`, { headers: { authorization } })
  })

  test('a maintainer manages the own repository, and gets nothing else by it', async () => {
    const admin = api.admin()
    await refused(403, 'denied', lena, 'PUT', at('new'), {})
    await refused(403, 'denied', lena, 'PATCH', at('private'), { description: 'x' })
    await api.expect(201, admin, 'PUT', at('secret'), {})
    await api.expect(201, admin, 'PUT', at('hers'), { quota: { bytes: 1000 } })
    const upstream = { url: 'https://registry.example.com', username: 'us', password: 'upstream secret' }
    await api.expect(201, admin, 'PUT', at('her-proxy'), { type: 'proxy', upstream })
    await api.expect(201, admin, 'PUT', at('her-group'), {
      type: 'group',
      members: [{ repository: 'team', images: ['a/**'] }],
    })
    for (const repository of ['hers', 'her-proxy', 'her-group'])
      await api.expect(201, admin, 'POST', '/grants', {
        subject: { kind: 'user', name: 'lena' },
        role: 'maintainer',
        repository,
      })

    expect(await api.expect<Form>(200, lena, 'PATCH', at('hers'), { description: 'mine' })).toMatchObject({
      description: 'mine',
      may: ['pull', 'push', 'delete', 'manage-members', 'manage-policies', 'manage-repository'],
    })
    // Another quota, another store.
    await refused(403, 'denied', lena, 'PATCH', at('hers'), { quota: null })
    await refused(403, 'denied', lena, 'PUT', at('hers'), {})
    await refused(403, 'denied', lena, 'PATCH', at('hers'), { blobStore: 'fast' })
    await refused(403, 'denied', lena, 'POST', `${at('hers')}/move`, { blobStore: 'fast' })
    // What is in repositories of others.
    await refused(403, 'denied', lena, 'PATCH', at('her-group'), { members: ['team', 'secret'] })
    await api.expect(200, lena, 'PATCH', at('her-group'), { members: ['team', 'hers'] })
    // The upstream's password, sent to a host of hers.
    for (const way of [
      { url: 'https://evil.example.com' },
      { proxy: 'http://evil.example.com:3128' },
      { insecure: true },
    ])
      await refused(400, 'request-invalid', lena, 'PATCH', at('her-proxy'), { upstream: way })
    await api.expect(200, lena, 'PATCH', at('her-proxy'), { upstream: { tagAge: '5m' } })
    await api.expect(200, lena, 'PATCH', at('her-proxy'), {
      upstream: { url: 'https://other.example.com', password: null },
    })
    // She sees how hers are set up, and no other.
    const list = await api.expect<Form[]>(200, lena, 'GET', '/repositories')
    expect(list.filter(({ managed }) => managed).map(({ name }) => name)).toEqual([
      'her-group',
      'her-proxy',
      'hers',
      'team',
    ])
    expect(list.map(({ name }) => name)).not.toContain('secret')
    await api.expect(204, lena, 'DELETE', at('her-group'))
  })
})
