import { describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { loadConfig } from './load.ts'
import { ConfigError } from './problems.ts'

const load = (ldap: unknown, more: object = {}, env = {}) =>
  loadConfig({ text: stringify({ ldap, ...more }), env, cwd: '/nowhere', formerData: '/nowhere' })

/** The problems, each as its path and its reason. */
function problemsOf(ldap: unknown, more: object = {}): string[] {
  try {
    load(ldap, more)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ path, reason }) => `${path} ${reason}`)
  }
}

const url = 'ldaps://dir.example.com/ou=people,dc=example,dc=com?uid'
const account = { bindDn: 'cn=reader,dc=example,dc=com', bindPassword: 'secret' }

describe('the settings of directories', () => {
  test('may be a URL alone', () => {
    const { config, warnings } = load(url)
    expect(config.ldap).toHaveLength(1)
    expect(config.ldap[0]!.url[0]).toMatchObject({ host: 'dir.example.com', attribute: 'uid' })
    expect(config.ldap[0]).toMatchObject({ offlineGrace: 3_600_000, require: [{ of: 'everyone' }], admins: [] })
    expect(warnings).toEqual([])
  })

  test('may be a list of directories, and several servers of one', () => {
    const { config } = load([
      { url: [url, 'ldaps://dir2.example.com'], ...account },
      { name: 'partners', url },
    ])
    expect(config.ldap.map((one) => one.url.map(({ host }) => host))).toEqual([
      ['dir.example.com', 'dir2.example.com'],
      ['dir.example.com'],
    ])
  })

  test('may come from variables', () => {
    const { config } = loadConfig({
      text: '',
      env: { ENTREPOT_LDAP_0_URL: url, ENTREPOT_LDAP_0_GROUPS_BASE: 'ou=groups,dc=example,dc=com' },
      cwd: '/nowhere',
    })
    expect(config.ldap[0]).toMatchObject({ groups: { base: 'ou=groups,dc=example,dc=com' } })
  })

  test.each([
    ['no URL', {}, 'ldap[0].url is missing'],
    ['no base', { url: 'ldaps://dir' }, 'ldap[0].userBase is missing, and the URL has no base either'],
    ['an account without a password', { url, bindDn: 'cn=a' }, 'ldap[0].bindPassword is missing'],
    [
      'a password without an account',
      { url, bindPassword: 'x' },
      'ldap[0].bindDn is missing although there is a password',
    ],
    [
      'a password beside a DN of users',
      { url, bindDn: 'uid={user},dc=a', bindPassword: 'x' },
      'ldap[0].bindPassword is set although bindDn has {user}',
    ],
    ['StartTLS over TLS', { url, startTls: true }, 'ldap[0].startTls is set although ldaps: is TLS from the start'],
    ['admins who are everyone', { url, admins: 'valid-user' }, 'ldap[0].admins makes everyone an administrator'],
    [
      'nested groups beside a filter',
      { url, groups: { nested: true, filter: '(member={dn})' } },
      'ldap[0].groups.nested is set beside groups.filter',
    ],
    ['a CA file that is not there', { url, ca: '/nowhere/ca.pem' }, 'ldap[0].ca does not exist'],
    [
      'servers that disagree about users',
      { url: [url, 'ldaps://other/dc=other'] },
      'ldap[0].url says something else about users than the first URL',
    ],
  ])('refuse %s', (_what, ldap, problem) => {
    expect(problemsOf(ldap)).toEqual([problem])
  })

  test('refuse to let users bind by themselves where another directory comes after', () => {
    const themselves = { url: 'ldaps://dir', bindDn: 'uid={user},ou=people,dc=a' }
    expect(problemsOf([{ url, ...account }, themselves])).toEqual([])
    expect(problemsOf([themselves, { url, ...account }])).toEqual([
      'ldap[0].bindDn lets users bind by themselves in a directory that is not the last',
    ])
  })

  test('refuse auth: none beside a directory, and two directories of one name', () => {
    expect(problemsOf(url, { auth: 'none' })).toEqual(['ldap is set although auth is none'])
    expect(
      problemsOf([
        { name: 'a', url },
        { name: 'a', url },
      ]),
    ).toEqual(['ldap[1].name is also the name of another directory'])
  })

  test('warn of readable passwords, of any certificate, and of groups from anywhere', () => {
    const plain = url.replace('ldaps', 'ldap')
    expect(load(plain).warnings.map(({ path }) => path)).toEqual(['ldap[0].url'])
    expect(load({ url: plain, startTls: true }).warnings).toEqual([])
    expect(load('ldap://127.0.0.1/dc=a').warnings).toEqual([])
    expect(load({ url, admins: 'group ops' }).warnings.map(({ path }) => path)).toEqual(['ldap[0].groups.base'])
    expect(load({ url, admins: 'group cn=ops,dc=a' }).warnings).toEqual([])
    expect(load({ url, insecure: true }).warnings.map(({ path }) => path)).toEqual(['ldap[0].insecure'])
  })

  test('are right in every example of docs/ldap.md', () => {
    const page = readFileSync(join(import.meta.dir, '../../docs/ldap.md'), 'utf8')
    const examples = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map((match) => match[1]!)
    expect(examples.length).toBeGreaterThan(5)
    for (const example of examples) {
      // The files of authorities are nobody's.
      const text = example.replace(/^ {2}ca: .*\n/m, '')
      const { config, warnings } = loadConfig({ text, env: {}, cwd: '/nowhere', formerData: '/nowhere' })
      expect(config.ldap).toHaveLength(1)
      expect(warnings).toEqual([])
    }
  })

  test('never show the password', () => {
    const folder = mkdtempSync(join(tmpdir(), 'entrepot-ldap-'))
    try {
      const problems = (() => {
        try {
          return load({ url: 'ldap://cn=a:hidden@dir/dc=a', ...account, ca: folder })
        } catch (error) {
          return (error as ConfigError).problems
        }
      })()
      expect(JSON.stringify(problems)).not.toMatch(/hidden|"secret"/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
