import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openVisitor, type Visitor } from '../helpers/browser-like.ts'
import { freePort } from '../helpers/process.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { type OidcService, startOidcProvider } from '../services/oidc-provider.ts'

describe('logging in with an OpenID provider', () => {
  let provider: OidcService
  let server: Server
  let base: string
  const session = (visitor: Visitor) => visitor.visit(`${base}/api/v1/session`)
  const login = (visitor: Visitor, back = '/') =>
    visitor.visit(`${base}/api/v1/oidc/login?back=${encodeURIComponent(back)}`)

  beforeAll(async () => {
    const port = await freePort()
    base = `http://127.0.0.1:${port}`
    provider = await startOidcProvider([`${base}/api/v1/oidc/callback`])
    const oidc = { issuer: provider.issuer, ...provider.client, adminGroups: ['ops'], requiredGroups: ['staff', 'ops'] }
    server = await startServer({ config: { version: 0.1, oidc }, port, auth: 'admin' })
  })
  afterAll(async () => {
    await server?.stop()
    await provider?.stop()
  })

  test('begins a session, with the groups that the provider names', async () => {
    provider.person = { name: 'ada', groups: ['staff', 'team-a'] }
    const ada = openVisitor()
    const { way } = await login(ada, '/repositories?x=1')
    expect(way.at(-1)).toBe(`${base}/repositories?x=1`)
    expect(way[1]).toStartWith(`${provider.issuer}/auth?`)
    expect(way[1]).toContain('code_challenge_method=S256')
    const { response } = await session(ada)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      user: { name: 'ada', admin: false, groups: ['staff', 'team-a'] },
      source: 'oidc',
    })
  })

  test('makes an admin of who is in an admin group', async () => {
    provider.person = { name: 'grace', groups: ['ops'] }
    const grace = openVisitor()
    await login(grace)
    expect(await (await session(grace)).response.json()).toMatchObject({ user: { name: 'grace', admin: true } })
    expect((await grace.visit(`${base}/api/v1/audit`)).response.status).toBe(200)
  })

  test('lets nobody in without a required group', async () => {
    provider.person = { name: 'eve', groups: ['guests'] }
    const eve = openVisitor()
    const { response } = await login(eve)
    expect(response.status).toBe(403)
    expect((await session(eve)).response.status).toBe(401)
  })

  test('gives nobody the name of a local user', async () => {
    provider.person = { name: 'admin', groups: ['staff'] }
    const mallory = openVisitor()
    const { response } = await login(mallory)
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ code: 'denied' })
    expect((await session(mallory)).response.status).toBe(401)
  })

  test('takes no answer that this browser did not ask for', async () => {
    provider.person = { name: 'ada', groups: ['staff'] }
    const [ada, mallory] = [openVisitor(), openVisitor()]
    const { way } = await login(mallory)
    const callback = way.find((url) => url.startsWith(`${base}/api/v1/oidc/callback?`)) ?? ''
    // A link of somebody else, who wants ada to be logged in as them.
    expect((await ada.visit(callback)).response.status).toBe(401)
    await ada.visit(`${base}/api/v1/oidc/login`, { redirect: 'manual' })
    expect((await ada.visit(callback)).response.status).toBe(401)
  })

  test('takes no code twice and no state that was changed', async () => {
    provider.person = { name: 'ada', groups: ['staff'] }
    const ada = openVisitor()
    const first = await fetch(`${base}/api/v1/oidc/login`, { redirect: 'manual' })
    const cookie = first.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    ada.set(base, 'entrepot_login', cookie.slice(cookie.indexOf('=') + 1))
    const { way } = await ada.visit(first.headers.get('location') ?? '')
    const callback = way.find((url) => url.startsWith(`${base}/api/v1/oidc/callback?`)) ?? ''
    expect((await session(ada)).response.status).toBe(200)
    const again = (url: string) => fetch(url, { redirect: 'manual', headers: { cookie } })
    expect((await again(callback)).status).toBe(401)
    expect((await again(callback.replace(/state=[^&]*/, 'state=other'))).status).toBe(401)
  })

  test('sends people nowhere else afterwards', async () => {
    provider.person = { name: 'ada', groups: ['staff'] }
    for (const back of [
      'https://evil.example.com/',
      '//evil.example.com',
      '/\\evil.example.com',
      'javascript:alert(1)',
    ]) {
      const { way } = await login(openVisitor(), back)
      expect(way.at(-1)).toBe(`${base}/`)
    }
  })

  test('a session has an end', async () => {
    provider.person = { name: 'ada', groups: ['staff'] }
    const ada = openVisitor()
    await login(ada)
    const { csrf } = (await (await session(ada)).response.json()) as { csrf: string }
    const secret = ada.cookie(base, 'entrepot_session') ?? ''
    expect((await ada.visit(`${base}/api/v1/session`, { method: 'DELETE' })).response.status).toBe(403)
    const out = await ada.visit(`${base}/api/v1/session`, { method: 'DELETE', headers: { 'x-csrf-token': csrf } })
    expect(out.response.status).toBe(204)
    expect(ada.cookie(base, 'entrepot_session')).toBeUndefined()
    const kept = await fetch(`${base}/api/v1/session`, { headers: { cookie: `entrepot_session=${secret}` } })
    expect(kept.status).toBe(401)
  })
})
