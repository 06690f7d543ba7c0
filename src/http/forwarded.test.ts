import { describe, expect, test } from 'bun:test'
import { createForwarded } from './forwarded.ts'

const trustedProxies = ['10.0.0.0/8', 'fd00::/8', '192.0.2.7']
const forwarded = createForwarded({ trustedProxies })
const proxy = '10.0.0.1'

function originOf(headers: Record<string, string>, { peer = proxy, encrypted = false, from = forwarded } = {}): string {
  const { scheme, host, prefix } = from.origin(peer, new Headers(headers), encrypted)
  return `${scheme}://${host}${prefix}`
}

describe('the origin', () => {
  const rows: [name: string, headers: Record<string, string>, expected: string][] = [
    ['without forwarding headers is the Host header', { host: 'hub:5000' }, 'http://hub:5000'],
    [
      'comes from the classic nginx recipe',
      { host: 'hub.example.com:8443', 'x-forwarded-proto': 'https' },
      'https://hub.example.com:8443',
    ],
    [
      'comes from X-Forwarded-Host',
      { host: 'inner:5000', 'x-forwarded-host': 'hub.example.com', 'x-forwarded-proto': 'https' },
      'https://hub.example.com',
    ],
    [
      'takes the first item of a list',
      { host: 'a', 'x-forwarded-host': 'outer.example.com, inner', 'x-forwarded-proto': 'https, http' },
      'https://outer.example.com',
    ],
    [
      'prefers Forwarded',
      {
        host: 'a',
        forwarded: 'for=1.2.3.4;proto=https;host="f.example.com:8443"',
        'x-forwarded-host': 'x.example.com',
      },
      'https://f.example.com:8443',
    ],
    [
      'reads Forwarded case-insensitively and takes its first element',
      { host: 'a', forwarded: 'Proto=HTTPS;Host=one.example.com, host=two.example.com' },
      'https://one.example.com',
    ],
    [
      'adds an unusual X-Forwarded-Port',
      { host: 'hub', 'x-forwarded-proto': 'https', 'x-forwarded-port': '8443' },
      'https://hub:8443',
    ],
    [
      'leaves out the usual port',
      { host: 'hub', 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' },
      'https://hub',
    ],
    ['keeps the port that the host names', { host: 'hub:5000', 'x-forwarded-port': '8443' }, 'http://hub:5000'],
    ['takes X-Forwarded-Prefix', { host: 'hub', 'x-forwarded-prefix': '/registry/' }, 'http://hub/registry'],
    ['accepts an IPv6 host', { host: '[::1]:5000' }, 'http://[::1]:5000'],
    ['ignores an unknown scheme', { host: 'hub', 'x-forwarded-proto': 'javascript' }, 'http://hub'],
    ['ignores a host with a path', { host: 'hub', 'x-forwarded-host': 'evil.example.com/x' }, 'http://hub'],
    ['ignores a host with user info', { host: 'hub', 'x-forwarded-host': 'hub@evil.example.com' }, 'http://hub'],
    ['ignores a host with spaces', { host: 'hub', 'x-forwarded-host': 'evil example' }, 'http://hub'],
    ['ignores a quoted host with an escape', { host: 'hub', forwarded: 'host="evil\\"/x"' }, 'http://hub'],
    ['ignores a prefix that climbs', { host: 'hub', 'x-forwarded-prefix': '/a/../b' }, 'http://hub'],
    [
      'ignores a prefix that names another host',
      { host: 'hub', 'x-forwarded-prefix': '//evil.example.com' },
      'http://hub',
    ],
    ['ignores a port that is none', { host: 'hub', 'x-forwarded-port': '80;x' }, 'http://hub'],
    ['falls back to localhost for a nonsense Host', { host: 'a b' }, 'http://localhost'],
  ]
  for (const [name, headers, expected] of rows) test(name, () => expect(originOf(headers)).toBe(expected))

  test('ignores forwarding headers of a peer that is not trusted', () => {
    const headers = { host: 'hub', 'x-forwarded-host': 'evil', 'x-forwarded-proto': 'https', forwarded: 'host=evil' }
    expect(originOf(headers, { peer: '203.0.113.5' })).toBe('http://hub')
  })

  test('is https on a TLS listener', () => expect(originOf({ host: 'hub' }, { encrypted: true })).toBe('https://hub'))

  test('is what http.host says, whatever the request says', () => {
    const from = createForwarded({ trustedProxies, host: 'https://hub.example.com:8443/registry/' })
    expect(originOf({ host: 'x', 'x-forwarded-host': 'y' }, { from })).toBe('https://hub.example.com:8443/registry')
  })

  test('carries http.prefix', () => {
    expect(originOf({ host: 'hub' }, { from: createForwarded({ trustedProxies, prefix: '/sub/' }) })).toBe(
      'http://hub/sub',
    )
  })
})

describe('the client address', () => {
  const rows: [name: string, peer: string, headers: Record<string, string>, expected: string][] = [
    ['is the peer without forwarding headers', proxy, {}, proxy],
    ['is the peer when it is not trusted', '203.0.113.5', { 'x-forwarded-for': '1.1.1.1' }, '203.0.113.5'],
    [
      'is the rightmost untrusted address',
      proxy,
      { 'x-forwarded-for': '6.6.6.6, 203.0.113.9, 10.2.2.2' },
      '203.0.113.9',
    ],
    ['is the first of an all trusted chain', proxy, { 'x-forwarded-for': '10.5.5.5, 10.2.2.2' }, '10.5.5.5'],
    ['comes from X-Real-IP', proxy, { 'x-real-ip': '203.0.113.9' }, '203.0.113.9'],
    ['comes from Forwarded with brackets and port', proxy, { forwarded: 'for="[2001:db8::1]:4711"' }, '2001:db8::1'],
    [
      'comes from Forwarded with several hops',
      proxy,
      { forwarded: 'for=6.6.6.6, for=203.0.113.9;proto=https, for=10.1.1.1' },
      '203.0.113.9',
    ],
    ['drops a port', proxy, { 'x-forwarded-for': '203.0.113.9:5123' }, '203.0.113.9'],
    ['stops at an unreadable hop', proxy, { 'x-forwarded-for': '6.6.6.6, unknown, 10.2.2.2' }, '10.2.2.2'],
    ['stays the peer when nothing is readable', proxy, { 'x-forwarded-for': 'unknown' }, proxy],
    [
      'cannot be chosen by a Forwarded header that the proxy passed through',
      proxy,
      { forwarded: 'for=6.6.6.6', 'x-forwarded-for': '203.0.113.9' },
      '203.0.113.9',
    ],
    ['comes from the headers on a unix socket', '', { 'x-forwarded-for': '203.0.113.9' }, '203.0.113.9'],
    ['trusts a single address', '192.0.2.7', { 'x-real-ip': '203.0.113.9' }, '203.0.113.9'],
    ['trusts an IPv6 network', 'fd00::17', { 'x-real-ip': '203.0.113.9' }, '203.0.113.9'],
  ]
  for (const [name, peer, headers, expected] of rows)
    test(name, () => expect(forwarded.clientAddress(peer, new Headers(headers))).toBe(expected))
})

describe('the settings', () => {
  for (const network of ['10.0.0.0/33', 'proxy.example.com', '10.0.0.0/8/8', '10.0.0', '::/129', '10.0.0.0/'])
    test(`refuse the network ${network} and name it`, () => {
      expect(() => createForwarded({ trustedProxies: [network] })).toThrow(network)
    })
  for (const host of ['hub.example.com', 'ftp://hub', 'https://', 'https://a b', 'https://hub/../x'])
    test(`refuse the host ${host} and name it`, () => {
      expect(() => createForwarded({ trustedProxies: [], host })).toThrow(host)
    })
})
