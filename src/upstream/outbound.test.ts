import { describe, expect, test } from 'bun:test'
import { createNoProxy, createOutbound } from './outbound.ts'

const proxyOf = (outbound: ReturnType<typeof createOutbound>, url: string, proxy?: string) => {
  const { proxy: found } = outbound.route(new URL(url), { proxy })
  return found === false ? undefined : found.url
}

describe('no-proxy list', () => {
  const table: [entry: string, url: string, isDirect: boolean][] = [
    ['*', 'http://any.test/', true],
    ['corp.test', 'http://corp.test/', true],
    ['corp.test', 'http://hub.corp.test/', true],
    ['corp.test', 'http://notcorp.test/', false],
    ['.corp.local', 'http://hub.corp.local/', true],
    ['.corp.local', 'http://corp.local/', false],
    ['*.corp.local', 'http://hub.corp.local/', true],
    ['CORP.test', 'http://hub.Corp.Test/', true],
    ['corp.test', 'http://corp.test./', true],
    ['corp.test:5000', 'http://corp.test:5000/', true],
    ['corp.test:5000', 'http://corp.test:5001/', false],
    ['corp.test:443', 'https://corp.test/', true],
    ['corp.test:80', 'http://corp.test/', true],
    ['10.0.0.0/8', 'http://10.20.30.40:5000/', true],
    ['10.0.0.0/8', 'http://11.0.0.1/', false],
    ['10.0.0.0/8', 'http://ten.test/', false],
    ['192.0.2.7', 'http://192.0.2.7/', true],
    ['192.0.2.7:5000', 'http://192.0.2.7:5000/', true],
    ['192.0.2.7:5000', 'http://192.0.2.7/', false],
    ['fd00::/8', 'http://[fd12::1]:5000/', true],
    ['[fd12::1]:5000', 'http://[fd12::1]:5000/', true],
    ['[fd12::1]:5000', 'http://[fd12::1]/', false],
    ['', 'http://any.test/', false],
  ]
  for (const [entry, url, isDirect] of table) {
    test(`"${entry}" ${isDirect ? 'covers' : 'does not cover'} ${url}`, () => {
      expect(createNoProxy([entry])(new URL(url))).toBe(isDirect)
    })
  }

  test('names the range it cannot read', () => {
    expect(() => createNoProxy(['10.0.0.0/40'])).toThrow('10.0.0.0/40')
  })
})

describe('outbound route', () => {
  test('takes the proxy that is set for all, except where the list says otherwise', () => {
    const outbound = createOutbound({ proxy: 'http://u:p@proxy.test:3128', noProxy: ['.corp.local'] })
    expect(proxyOf(outbound, 'https://quay.io/')).toBe('http://u:p@proxy.test:3128/')
    expect(proxyOf(outbound, 'http://127.0.0.1:5000/')).toBe('http://u:p@proxy.test:3128/')
    expect(proxyOf(outbound, 'https://hub.corp.local/')).toBeUndefined()
  })

  test("takes an upstream's own proxy whatever the list says, and none when it says none", () => {
    const outbound = createOutbound({ proxy: 'http://proxy.test:3128', noProxy: ['*'] })
    expect(proxyOf(outbound, 'https://quay.io/', 'http://own.test:8080')).toBe('http://own.test:8080/')
    expect(proxyOf(createOutbound({ proxy: 'http://proxy.test:3128' }), 'https://quay.io/', 'none')).toBeUndefined()
  })

  test('falls back to the environment, by scheme, and never for loopback', () => {
    const outbound = createOutbound(
      {},
      { HTTPS_PROXY: 'http://tls.test:1', http_proxy: 'plain.test:2', NO_PROXY: 'a.test, b.test' },
    )
    expect(proxyOf(outbound, 'https://quay.io/')).toBe('http://tls.test:1/')
    expect(proxyOf(outbound, 'http://quay.io/')).toBe('http://plain.test:2/')
    expect(proxyOf(outbound, 'https://b.test/')).toBeUndefined()
    expect(proxyOf(outbound, 'http://127.0.0.1:5000/')).toBeUndefined()
    expect(proxyOf(outbound, 'http://localhost:5000/')).toBeUndefined()
    expect(proxyOf(createOutbound({}, { ALL_PROXY: 'http://all.test:1' }), 'https://quay.io/')).toBe(
      'http://all.test:1/',
    )
  })

  test('prefers what is set over the environment', () => {
    const environment = { HTTPS_PROXY: 'http://env.test:1', NO_PROXY: 'quay.io' }
    const set = createOutbound({ proxy: 'http://set.test:1', noProxy: [] }, environment)
    expect(proxyOf(set, 'https://quay.io/')).toBe('http://set.test:1/')
  })

  test('adds authorities to those of the system, and is insecure only where told', () => {
    const outbound = createOutbound({ ca: 'FOR ALL' })
    const { tls } = outbound.route(new URL('https://a.test/'), { ca: 'FOR ONE' })
    expect(tls.ca).toContain('FOR ALL\nFOR ONE')
    expect(tls.ca?.match(/BEGIN CERTIFICATE/g)?.length).toBeGreaterThan(50)
    expect(tls.rejectUnauthorized).toBeUndefined()
    // The same text each time: fetch would make a TLS context for each other one.
    expect(outbound.route(new URL('https://b.test/'), { ca: 'FOR ONE' }).tls.ca === tls.ca).toBe(true)
    expect(createOutbound().route(new URL('https://a.test/')).tls.ca ?? '').not.toContain('FOR ALL')
    expect(outbound.route(new URL('https://a.test/'), { insecure: true }).tls.rejectUnauthorized).toBe(false)
  })

  test('refuses a proxy of a kind it cannot use', () => {
    expect(() => createOutbound({ proxy: 'socks5://proxy.test:1080' })).toThrow('socks5:')
  })
})
