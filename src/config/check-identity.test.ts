import { describe, expect, test } from 'bun:test'
import { stringify } from 'yaml'
import { loadConfig } from './load.ts'
import { ConfigError } from './problems.ts'

const load = (settings: object) =>
  loadConfig({ text: stringify(settings), env: {}, cwd: '/nowhere', formerData: '/nowhere' })

/** The problems, each as its path and its reason. */
function problemsOf(settings: object): string[] {
  try {
    load(settings)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ path, reason }) => `${path} ${reason}`)
  }
}

const warningsOf = (settings: object) => load(settings).warnings.map(({ path }) => path)

describe('a proxy that says who its clients are', () => {
  const header = 'X-Forwarded-User'

  test('is named, with the addresses it has', () => {
    expect(problemsOf({ proxyIdentity: { header, from: ['10.1.2.3'] } })).toEqual([])
    expect(problemsOf({ proxyIdentity: { header } })).toEqual(['proxyIdentity.from is missing'])
    expect(problemsOf({ proxyIdentity: { from: ['10.1.2.3'] } })).toEqual(['proxyIdentity.header is missing'])
    expect(problemsOf({ proxyIdentity: { header, from: ['proxy.example.com'] } })).toHaveLength(1)
  })

  test('is nothing where nobody is asked who they are, or another server says it', () => {
    expect(problemsOf({ auth: 'none', proxyIdentity: { header, from: ['10.1.2.3'] } })).toEqual([
      'proxyIdentity is set although auth is none',
    ])
  })

  test('is better not everybody', () => {
    expect(warningsOf({ proxyIdentity: { header, from: ['0.0.0.0/0'] } })).toEqual(['proxyIdentity.from'])
  })
})

test('the users of a provider can be those of a directory that is there', () => {
  const oidc = { issuer: 'https://login.example.com', clientId: 'x' }
  const ldap = 'ldaps://dir.example.com/ou=people,dc=example,dc=com?uid'
  expect(problemsOf({ ldap, oidc: { ...oidc, sameAs: ['ldap'] } })).toEqual([])
  expect(problemsOf({ ldap: [{ name: 'main', url: ldap }], oidc: { ...oidc, sameAs: ['main'] } })).toEqual([])
  expect(problemsOf({ ldap, oidc: { ...oidc, sameAs: ['main'] } })).toEqual(['oidc.sameAs is no directory'])
  expect(problemsOf({ oidc: { ...oidc, sameAs: ['ldap'] } })).toEqual(['oidc.sameAs is no directory'])
})

test('addresses that a repository is used from want proxies that are known', () => {
  const repositories = [{ name: 'private', allowFrom: ['10.0.0.0/8'] }]
  expect(warningsOf({ repositories })).toEqual(['repositories[0].allowFrom'])
  expect(warningsOf({ repositories, http: { trustedProxies: ['10.1.2.3'] } })).toEqual([])
  expect(warningsOf({ repositories: [{ name: 'private' }] })).toEqual([])
  expect(problemsOf({ repositories: [{ name: 'private', allowFrom: ['10.0.0.0/40'] }] })).toHaveLength(1)
})
