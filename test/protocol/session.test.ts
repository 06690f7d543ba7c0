import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fakeIncoming } from '../helpers/fake-incoming.ts'
import { describeRegistry } from '../helpers/registry.ts'

/** No `auth` in the settings: the first start makes an admin. */
const settings = { auth: undefined, sessions: { idle: '10m', longest: '1h' } }

describeRegistry('a session of the API', settings, (registry) => {
  const json = { 'content-type': 'application/json' }
  const password = () => readFileSync(join(registry.dataDir, 'admin.password'), 'utf8').trim()
  const call = (method: string, path: string, headers: Record<string, string> = {}, body?: object, origin = {}) =>
    registry
      .app()
      .handler(
        fakeIncoming(
          method,
          `/api/v1${path}`,
          { ...headers, ...(body && json) },
          { body: body && JSON.stringify(body), origin },
        ),
      ) as Promise<Response>
  const logIn = async (headers: Record<string, string> = {}, origin = {}) => {
    const answer = await call('POST', '/session', headers, { name: 'admin', password: password() }, origin)
    const [line = ''] = answer.headers.getSetCookie()
    return { answer, line, cookie: line.split(';')[0] ?? '', ...((await answer.json()) as { csrf: string }) }
  }

  test('begins with a password, in a cookie that no script reads', async () => {
    const { answer, line } = await logIn()
    expect(answer.status).toBe(201)
    expect(line).toMatch(/^entrepot_session=[\w-]{43}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/)
  })

  test('over HTTPS the cookie is for HTTPS only, and below a prefix for that prefix', async () => {
    const { line } = await logIn({}, { scheme: 'https', prefix: '/registry' })
    expect(line).toContain('; Secure')
    expect(line).toContain('; Path=/registry/;')
  })

  test('a wrong password begins nothing', async () => {
    const answer = await call('POST', '/session', {}, { name: 'admin', password: 'wrong' })
    expect(answer.status).toBe(401)
    expect(answer.headers.getSetCookie()).toEqual([])
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    // A browser would ask by itself.
    expect(answer.headers.get('www-authenticate')).toBeNull()
  })

  test('lets its browser see, and change only with the token', async () => {
    const { cookie, csrf } = await logIn()
    expect((await call('GET', '/audit', { cookie })).status).toBe(200)
    expect((await call('DELETE', '/session', { cookie })).status).toBe(403)
    expect((await call('DELETE', '/session', { cookie, 'x-csrf-token': `${csrf}x` })).status).toBe(403)
    const other = await logIn()
    expect((await call('DELETE', '/session', { cookie, 'x-csrf-token': other.csrf })).status).toBe(403)
    expect((await call('DELETE', '/session', { cookie, 'x-csrf-token': csrf })).status).toBe(204)
    expect((await call('GET', '/session', { cookie })).status).toBe(401)
  })

  test('never continues one that somebody has put into the browser', async () => {
    const planted = await logIn()
    const { cookie } = await logIn({ cookie: planted.cookie, 'x-csrf-token': planted.csrf })
    expect(cookie).not.toBe(planted.cookie)
    expect((await call('GET', '/session', { cookie: planted.cookie })).status).toBe(401)
  })

  test('is not begun by pages of other sites', async () => {
    const answer = await call(
      'POST',
      '/session',
      { 'sec-fetch-site': 'cross-site' },
      { name: 'admin', password: password() },
    )
    expect(answer.status).toBe(403)
  })

  test('opens nothing but the API', async () => {
    const { cookie } = await logIn()
    expect((await registry.app().handler(fakeIncoming('GET', '/v2/', { cookie }))).status).toBe(401)
    expect((await registry.app().handler(fakeIncoming('GET', '/metrics', { cookie }))).status).toBe(401)
  })

  test('is not shown to strangers, and what is wrong with a request is said', async () => {
    expect((await call('GET', '/audit')).status).toBe(401)
    expect((await call('GET', '/nothing')).status).toBe(404)
    const wrong = await call('POST', '/session', {}, { name: '', password: 'x' })
    expect(wrong.status).toBe(400)
    expect(await wrong.json()).toMatchObject({ code: 'request-invalid', detail: [{ field: 'name' }] })
    const page = await call('GET', '/audit?limit=0', { authorization: `Basic ${btoa(`admin:${password()}`)}` })
    expect(page.status).toBe(400)
  })

  test('programs need none: a password will do', async () => {
    const authorization = `Basic ${btoa(`admin:${password()}`)}`
    expect((await call('GET', '/audit?limit=1', { authorization })).status).toBe(200)
  })

  test('pages of a list are linked', async () => {
    const authorization = `Basic ${btoa(`admin:${password()}`)}`
    for (let index = 0; index < 3; index += 1) await logIn()
    await new Promise((resolve) => setTimeout(resolve, 600))
    const first = await call('GET', '/audit?limit=2&action=login', { authorization })
    const link = /<\/api\/v1([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
    const second = await call('GET', link, { authorization })
    const ids = [...((await first.json()) as { id: number }[]), ...((await second.json()) as { id: number }[])]
    expect(new Set(ids.map(({ id }) => id)).size).toBe(ids.length)
    expect(ids.length).toBeGreaterThan(2)
  })

  test('the document names every path, and who may call it', async () => {
    const document = (await (await call('GET', '/openapi.json')).json()) as { openapi: string; paths: object }
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths)).toContain('/api/v1/audit')
  })
})
