import { expect, test } from 'bun:test'
import { openListener } from '../../src/http/listener.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { fakeIncoming } from '../helpers/fake-incoming.ts'
import { rawExchange } from '../helpers/raw-http.ts'
import { describeRegistry } from '../helpers/registry.ts'

const passwordHash = await Bun.password.hash('secret', { algorithm: 'bcrypt', cost: 4 })
const proxy = '10.1.2.3'
const settings = {
  auth: undefined,
  users: [
    { name: 'root', passwordHash, admin: true },
    { name: 'ada', passwordHash, grants: [{ repository: 'private', role: 'developer' }] },
  ],
  grants: [{ authenticated: true, repository: 'private', role: 'reader', images: ['shared/**'] }],
  proxyIdentity: { header: 'X-SSL-Client-S-DN', from: [proxy], attribute: 'CN' },
}

describeRegistry('clients whose certificates a proxy has seen', settings, (registry) => {
  const call = (
    method: string,
    target: string,
    headers: Record<string, string>,
    { peer = proxy, ...more }: { peer?: string; body?: string } = {},
  ) =>
    registry
      .app()
      .handler(
        fakeIncoming(method, target, headers, { clientAddress: '198.51.100.1', peerAddress: peer, ...more }),
      ) as Promise<Response>
  const as = (name: string) => ({ 'x-ssl-client-s-dn': `CN=${name},OU=people,O=Example` })
  const statusOf = async (...given: Parameters<typeof call>) => (await call(...given)).status

  test('enter, push and pull as the user that the certificate names', async () => {
    expect(await statusOf('GET', '/v2/', as('ada'))).toBe(200)
    expect(await statusOf('POST', '/v2/team/app/blobs/uploads/', as('ada'))).toBe(202)
    expect(await statusOf('POST', '/v2/team/app/blobs/uploads/', as('stranger'))).toBe(403)
    expect(await statusOf('GET', '/v2/shared/app/tags/list', as('stranger'))).toBe(404)
    expect(await statusOf('GET', '/v2/team/app/tags/list', as('stranger'))).toBe(403)
  })

  test('use the API and administer when the user does', async () => {
    expect(await statusOf('GET', '/api/v1/audit', as('root'))).toBe(200)
    expect(await statusOf('GET', '/api/v1/audit', as('ada'))).toBe(403)
    expect(await statusOf('GET', '/metrics', as('root'))).toBe(200)
  })

  test('are nobody when somebody else than the proxy says so', async () => {
    for (const peer of ['198.51.100.1', '10.1.2.4', '127.0.0.1', ''])
      for (const path of ['/v2/', '/api/v1/audit', '/metrics'])
        for (const more of [{}, { 'x-forwarded-for': proxy, forwarded: `for=${proxy}`, 'x-real-ip': proxy }])
          expect(await statusOf('GET', path, { ...as('root'), ...more }, { peer })).toBe(401)
  })

  test('are nobody by headers that look alike', async () => {
    for (const header of [
      'x_ssl_client_s_dn',
      'x-ssl-client-s_dn',
      'x-ssl-client-s-dn-',
      'ssl-client-s-dn',
      'x-forwarded-user',
    ])
      expect(await statusOf('GET', '/v2/', { [header]: 'CN=root' })).toBe(401)
  })

  test('are refused when the header is there twice', async () => {
    const headers = new Headers(as('ada'))
    headers.append('X-SSL-CLIENT-S-DN', 'CN=root,O=Example')
    expect(await statusOf('GET', '/v2/', Object.fromEntries(headers))).toBe(401)
  })

  test('cannot be used by pages of other sites', async () => {
    const foreign = { ...as('root'), 'sec-fetch-site': 'cross-site' }
    expect(await statusOf('DELETE', '/api/v1/me/sessions', foreign)).toBe(401)
    expect(await statusOf('DELETE', '/api/v1/me/sessions', as('root'))).toBe(200)
    expect(await statusOf('POST', '/v2/team/app/blobs/uploads/', foreign)).toBe(401)
  })

  test('still log in with a password where they send one', async () => {
    const wrong = { ...as('root'), authorization: `Basic ${btoa('ada:wrong')}` }
    expect(await statusOf('GET', '/v2/', wrong)).toBe(401)
    const right = { ...as('root'), authorization: `Basic ${btoa('ada:secret')}` }
    expect(await statusOf('GET', '/api/v1/audit', right)).toBe(403)
  })
})

describeRegistry('a registry that believes no proxy', { ...settings, proxyIdentity: undefined }, (registry) => {
  test('knows nobody by a header', async () => {
    const incoming = fakeIncoming('GET', '/v2/', { 'x-ssl-client-s-dn': 'CN=root' }, { clientAddress: proxy })
    expect((await registry.app().handler(incoming)).status).toBe(401)
  })
})

const near = { ...settings, proxyIdentity: { ...settings.proxyIdentity, from: ['127.0.0.1'] } }

describeRegistry('the header on the wire', near, (registry) => {
  const statusOf = async (...lines: string[]) => {
    const { handler } = registry.app()
    const listener = await openListener({ addr: '127.0.0.1:0', handler, trust: ['127.0.0.1'], log: silentLog })
    try {
      const head = ['GET /v2/ HTTP/1.1', 'Host: localhost', 'Connection: close', ...lines, '', '']
      return (await rawExchange(listener.port, head.join('\r\n'))).status
    } finally {
      await listener.stop(1000)
    }
  }

  test('is believed in any case, once, from the peer', async () => {
    expect(await statusOf('x-SSL-client-S-dn: CN=ada')).toBe(200)
    expect(await statusOf('X-SSL-Client-S-DN: CN=ada', 'X-Forwarded-For: 198.51.100.1')).toBe(200)
  })

  for (const lines of [
    ['X-SSL-Client-S-DN: CN=ada', 'x-ssl-client-s-dn: CN=root'],
    ['X-SSL-Client-S-DN: CN=ada, CN=root'],
    ['X_SSL_Client_S_DN: CN=root'],
    ['X-SSL-Client-S-DN : CN=root'],
    [' X-SSL-Client-S-DN: CN=root'],
    ['X-Other: a\nX-SSL-Client-S-DN: CN=root\n b'],
    ['X-SSL-Client-S-DN:', ' CN=root'],
    ['X-SSL-Client-S-DN\0: CN=root'],
  ])
    test(`lets nobody in as ${JSON.stringify(lines)}`, async () => {
      const status = await statusOf(...lines)
      expect([0, 400, 401]).toContain(status)
    })
})
