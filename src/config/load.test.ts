import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuthConfig, BlobStoreConfig, Config } from './config.ts'
import type { Address } from './kinds.ts'
import { loadConfig } from './load.ts'
import { ConfigError, type Problem } from './problems.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-config-'))
  writeFileSync(join(folder, 'tls.crt'), '')
  writeFileSync(join(folder, 'tls.key'), '')
  mkdirSync(join(folder, 'adopted/docker/registry/v2'), { recursive: true })
})
afterAll(() => rmSync(folder, { recursive: true }))

function load(
  text: string | undefined,
  env: Record<string, string> = {},
  more: { file?: string; formerData?: string } = {},
) {
  return loadConfig({ text, env, cwd: folder, formerData: join(folder, 'none'), ...more })
}

function problemsOf(
  text: string | undefined,
  env: Record<string, string> = {},
  more: { file?: string } = {},
): readonly Problem[] {
  try {
    load(text, env, more)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

/** One line for each problem: where, what, why. */
function complaints(text: string, env: Record<string, string> = {}): string[] {
  return problemsOf(text, env).map(({ path, source, reason }) => `${source}: ${path} ${reason}`)
}

/** The file in the image of registry:2. */
const registryImage = `
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
`

describe('loading the configuration', () => {
  test('without file and variables there are defaults for everything', () => {
    const { config, warnings, sources } = load(undefined)
    expect(warnings).toEqual([])
    expect([...sources]).toEqual([])
    expect(config).toMatchObject({
      dataDir: join(folder, 'data'),
      database: `sqlite:${join(folder, 'data/entrepot.db')}`,
      defaultRepository: 'private',
      auth: undefined,
      blobStores: { default: { filesystem: { rootdirectory: join(folder, 'data/blobs'), maxthreads: 100 } } },
      repositories: [{ name: 'private', format: 'docker', type: 'hosted', blobStore: 'default', writePolicy: 'allow' }],
      log: { level: 'info', formatter: 'text', fields: {}, accesslog: { disabled: false } },
      http: {
        addr: { host: '', port: 5000 },
        net: 'tcp',
        host: undefined,
        prefix: '',
        draintimeout: 30_000,
        idleTimeout: 120_000,
      },
      storage: {
        delete: { enabled: true },
        maintenance: {
          uploadpurging: { enabled: true, age: 604_800_000, interval: 86_400_000, dryrun: false },
          readonly: { enabled: false },
        },
        gc: { enabled: true, grace: 3_600_000 },
      },
      web: { enabled: true },
      catalog: { maxentries: 1000 },
      tags: { maxtags: 1000 },
      validation: { disabled: false },
    })
    for (const network of [
      '127.0.0.0/8',
      '::1/128',
      '10.0.0.0/8',
      '172.16.0.0/12',
      '192.168.0.0/16',
      'fc00::/7',
      '169.254.0.0/16',
      'fe80::/10',
    ])
      expect(config.http.trustedProxies).toContain(network)
  })

  test('the type of the configuration follows the table and is read-only', () => {
    expectTypeOf<Config['http']['addr']>().toEqualTypeOf<Address>()
    expectTypeOf<Config['http']['draintimeout']>().toEqualTypeOf<number>()
    expectTypeOf<Config['http']['tls']['certificate']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<Config['http']['tls']['clientcas']>().toEqualTypeOf<readonly string[]>()
    expectTypeOf<Config['http']['headers']>().toEqualTypeOf<Readonly<Record<string, readonly string[]>>>()
    expectTypeOf<Config['log']['level']>().toEqualTypeOf<'error' | 'warn' | 'info' | 'debug'>()
    expectTypeOf<Config['auth']>().toEqualTypeOf<AuthConfig>()
    expectTypeOf<Config['blobStores']>().toEqualTypeOf<Readonly<Record<string, BlobStoreConfig>>>()
    expectTypeOf<Config['repositories'][number]['writePolicy']>().toEqualTypeOf<'allow' | 'allow-once' | 'read-only'>()
    expectTypeOf<Config>().not.toHaveProperty('proxy')
    const { config } = load(undefined)
    // @ts-expect-error: nothing in it may be assigned to
    const assign = () => (config.http.tls.minimumtls = 'tls1.3')
    // @ts-expect-error: nor may lists be changed
    const push = () => config.http.tls.clientcas.push('/x')
    expect([assign, push]).toHaveLength(2)
  })

  test('the file of the registry:2 image works as it is', () => {
    const { config, warnings } = load(registryImage)
    expect(config.blobStores.default).toMatchObject({ filesystem: { rootdirectory: '/var/lib/registry' } })
    expect(config.log.fields).toEqual({ service: 'registry' })
    expect(config.http.headers).toEqual({ 'X-Content-Type-Options': ['nosniff'] })
    expect(warnings.map(({ path }) => path)).toEqual(['health', 'storage.cache'])
  })

  test('data of registry:2 is adopted when nothing was configured', () => {
    const formerData = join(folder, 'adopted')
    const rootOf = (text: string | undefined, env = {}) => load(text, env, { formerData }).config.blobStores.default
    const adopted = { filesystem: { rootdirectory: formerData, maxthreads: 100 } }
    expect(rootOf(undefined)).toEqual(adopted)
    expect(rootOf(undefined, { REGISTRY_HTTP_SECRET: 'x' })).toEqual(adopted)
    expect(rootOf(undefined, { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: '/d' })).toMatchObject({
      filesystem: { rootdirectory: '/d' },
    })
    expect(rootOf(undefined, { REGISTRY_STORAGE: 'inmemory' })).toEqual({ inmemory: {} })
    expect(rootOf('version: 0.1')).toMatchObject({ filesystem: { rootdirectory: join(folder, 'data/blobs') } })
  })

  test('a folder for blobs takes everything else along, unless that has its own', () => {
    const rootdirectory = { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: '/volume' }
    expect(load(undefined, rootdirectory).config).toMatchObject({
      dataDir: '/volume/entrepot',
      database: 'sqlite:/volume/entrepot/entrepot.db',
    })
    expect(load('dataDir: /d', rootdirectory).config.dataDir).toBe('/d')
    expect(load(undefined, { ...rootdirectory, ENTREPOT_DATADIR: '/d' }).config.dataDir).toBe('/d')
    expect(load('storage: {inmemory: {}}').config.dataDir).toBe(join(folder, 'data'))
  })

  test('paths are relative to the current folder, and a tilde is a name', () => {
    const { config } = load('dataDir: ~/data\nstorage: {filesystem: {rootdirectory: blobs}}')
    expect(config.dataDir).toBe(join(folder, '~/data'))
    expect(config.blobStores.default).toMatchObject({ filesystem: { rootdirectory: join(folder, 'blobs') } })
  })

  test('each value knows the line or variable it came from', () => {
    const text = 'http:\n  addr: :1\n  draintimeout: 1s\nlog: {level: warn}'
    const { sources } = load(text, { REGISTRY_HTTP_ADDR: ':2', ENTREPOT_TAGS_MAXTAGS: '3' }, { file: 'my.yml' })
    expect(Object.fromEntries(sources)).toEqual({
      'http.addr': 'REGISTRY_HTTP_ADDR',
      'http.draintimeout': 'my.yml line 3',
      'log.level': 'my.yml line 4',
      'tags.maxtags': 'ENTREPOT_TAGS_MAXTAGS',
    })
  })

  test('the file is named by the caller, else by a variable', () => {
    writeFileSync(join(folder, 'a.yml'), 'tags: {maxtags: 5}')
    writeFileSync(join(folder, 'b.yml'), 'tags: {maxtags: 6}')
    const env = { REGISTRY_CONFIGURATION_PATH: 'a.yml' }
    expect(load(undefined, env).config.tags.maxtags).toBe(5)
    expect(load(undefined, { ...env, ENTREPOT_CONFIGURATION_PATH: join(folder, 'b.yml') }).config.tags.maxtags).toBe(6)
    expect(load(undefined, env, { file: 'b.yml' }).config.tags.maxtags).toBe(6)
  })

  test('a file that cannot be read is a problem beside those of the variables', () => {
    const env = { ENTREPOT_TAGS_MAXTAGS: 'many' }
    expect(problemsOf(undefined, env, { file: 'missing.yml' })).toMatchObject([
      { source: 'missing.yml', reason: 'does not exist' },
      { path: 'tags.maxtags', source: 'ENTREPOT_TAGS_MAXTAGS', value: 'many' },
    ])
    expect(problemsOf(undefined, {}, { file: '.' })).toMatchObject([{ source: '.', reason: 'is a folder' }])
  })

  test('every problem is reported at once, with line, value, reason and fix', () => {
    const text = `htp: {}
http:
  addr: "5000"
  idletimeout: 5
  tls: {certificate: /nope.crt}
  secret: [hunter2]
database: mysql://root:hunter2@host/db
proxy: {remoteurl: https://x, password: hunter2}
storage: {filesystem: {}, inmemory: }
repositories:
  - {name: A, type: npm}
  - {blobStore: zzz, name: ok}
  - {name: ok}
tags: nonsense
`
    expect(complaints(text, { ENTREPOT_DATA_DIR: '/d', REGISTRY_CATALOG_MAXENTRIES: '0' }).sort()).toEqual([
      'ENTREPOT_DATA_DIR:  is no setting',
      'REGISTRY_CATALOG_MAXENTRIES: catalog.maxentries is less than 1',
      'configuration line 11: repositories[0].name is not a name',
      'configuration line 11: repositories[0].type is none of the choices',
      'configuration line 12: repositories[1].blobStore is no blob store',
      'configuration line 13: repositories[2].name is also the name of repositories[1]',
      'configuration line 14: tags is a single value where a section is expected',
      'configuration line 1: htp is no setting',
      'configuration line 3: http.addr is not an address',
      'configuration line 4: http.idletimeout is no setting',
      'configuration line 5: http.tls.certificate does not exist',
      'configuration line 5: http.tls.key is missing although http.tls.certificate is set',
      'configuration line 6: http.secret is a list where a single value is expected',
      'configuration line 7: database is no database',
      'configuration line 9: storage names both filesystem and inmemory',
      'default: proxy.username is missing although there is a password',
    ])
    const found = problemsOf(text)
    expect(found.find(({ path }) => path === 'htp')?.fix).toBe('did you mean http?')
    expect(found.find(({ path }) => path === 'http.idletimeout')?.fix).toBe('did you mean idleTimeout?')
    expect(found.find(({ path }) => path === 'http.addr')).toMatchObject({
      value: '5000',
      fix: expect.stringContaining(':5000'),
    })
    expect(found.every(({ fix }) => fix !== '')).toBe(true)
    expect(JSON.stringify(found)).not.toContain('hunter2')
    expect(new ConfigError(found).message).not.toContain('hunter2')
  })

  /** Text of the file, and what is wrong with it. */
  const wrong: [string, string[]][] = [
    ['version: 0.2', ['configuration line 1: version is none of the choices']],
    ['- a', ['configuration line 1:  is no section of settings']],
    ['nonsense', ['configuration line 1:  is no section of settings']],
    ['a: [', ['is not YAML']],
    ['log: {level: info, level: debug}', ['configuration line 1:  is not YAML: Map keys must be unique']],
    ['http: {net: unix}', ['default: http.addr is no path although http.net is unix']],
    ['http: {addr: /x.sock}', ['configuration line 1: http.addr is a path although http.net is tcp']],
    [
      'http: {tls: {key: tls.key}}',
      ['configuration line 1: http.tls.certificate is missing although http.tls.key is set'],
    ],
    ['http: {tls: {clientcas: [tls.crt]}}', ['configuration line 1: http.tls.clientcas is set without a certificate']],
    ['http: {tls: {certificate: ., key: tls.key}}', ['configuration line 1: http.tls.certificate is a folder']],
    ['http: {headers: {"a b": [c]}}', ['configuration line 1: http.headers.a b has a name that is no header name']],
    ['auth: {none: , htpasswd: {path: tls.crt}}', ['configuration line 1: auth names both none and htpasswd']],
    ['auth: {htpasswd: {realm: x}}', ['configuration line 1: auth.htpasswd.path is missing']],
    ['auth: {htpasswd: {path: nowhere/htpasswd}}', ['configuration line 1: auth.htpasswd.path does not exist']],
    ['auth: ldap', ['configuration line 1: auth.ldap is no setting']],
    ['storage: s3', ['configuration line 1: storage.s3 is not supported by this version']],
    [
      'blobStores: {default: {inmemory: }}',
      ['configuration line 1: blobStores.default is the name of the storage section'],
    ],
    ['blobStores: {a: {}}', ['default: blobStores.a names no driver']],
    [
      'blobStores: {a: {inmemory: , filesystem: {rootdirectory: /a}}}',
      ['configuration line 1: blobStores.a names two drivers'],
    ],
    ['blobStores: {a: {filesystem: {}}}', ['default: blobStores.a.filesystem.rootdirectory is missing']],
    [
      'blobStores: {a: {filesystem: {rootdirectory: data/blobs}}}',
      ['configuration line 1: blobStores.a.filesystem.rootdirectory is also the folder of storage'],
    ],
    ['blobStores: {A: inmemory}', ['configuration line 1: blobStores.A has a name that is not a name']],
    ['repositories: [{format: docker}]', ['configuration line 1: repositories[0].name is missing']],
    ['repositories: [5]', ['configuration line 1: repositories[0] is a single value where a section is expected']],
    [
      'repositories: [{name: far, type: proxy}]',
      ['default: repositories[0].upstream is missing although the repository is a proxy'],
    ],
    [
      'repositories: [{name: here, upstream: {url: "http://far:5000"}}]',
      ['configuration line 1: repositories[0].upstream is set although the repository is hosted'],
    ],
    [
      'repositories: [{name: far, type: proxy, upstream: {url: "http://far:5000", password: x}}]',
      ['default: repositories[0].upstream.username is missing although there is a password'],
    ],
    ['outbound: {proxy: "socks5://p:1"}', ['configuration line 1: outbound.proxy is not the address of an HTTP proxy']],
    ['defaultRepository: team', ['configuration line 1: defaultRepository is not declared']],
    ['dataDir: "a\\0b"', ['configuration line 1: dataDir has a zero byte in it']],
    ['toString: 1', ['configuration line 1: toString is no setting']],
    ['__proto__: {x: 1}', ['configuration line 1: __proto__ is no setting']],
    ['a: &a [*a]', ['configuration line 1:  has more than 20000 values']],
  ]
  for (const [text, expected] of wrong)
    test(`${JSON.stringify(text)} is refused`, () => {
      const found = complaints(text)
      expect(found).toHaveLength(expected.length)
      for (const [index, part] of expected.entries()) expect(found[index]).toContain(part)
    })

  for (const key of ['replication', 'webhooks', 'jobs', 'middleware'])
    test(`${key} is refused as long as it is not supported`, () => {
      expect(complaints(`${key}: {a: b}`)).toEqual([`configuration line 1: ${key} is not supported by this version`])
    })

  test('an empty section or value counts as not written', () => {
    const { config, warnings } = load(
      'http:\nproxy:\nauth:\nredis:\nlog: {level: , fields: }\nstorage: {delete: }\ndatabase: ""',
    )
    expect(warnings).toEqual([])
    expect(config).toEqual(load('').config)
  })

  test("registry:2's proxy makes the default repository a proxy that asks at every pull, beside declared ones", () => {
    const env = {
      REGISTRY_PROXY_REMOTEURL: 'https://far.example.com',
      REGISTRY_PROXY_USERNAME: 'u',
      REGISTRY_PROXY_PASSWORD: 'p',
    }
    const { config } = load('repositories: [{name: team}]', env)
    expect(config.defaultRepository).toBe('proxy')
    expect(config.repositories.map(({ name, type }) => `${name} ${type}`)).toEqual(['team hosted', 'proxy proxy'])
    const upstream = { url: 'https://far.example.com', username: 'u', password: 'p', tagAge: 0 }
    expect(config.repositories[1]).toMatchObject({ upstream })
    expect(complaints('{proxy: {remoteurl: "http://far"}, repositories: [{name: proxy}]}')).toEqual([
      'configuration line 1: proxy makes a repository "proxy" the default one, which is declared, too',
    ])
  })

  test("registry:2's time to live is how long its proxy keeps what is not used", () => {
    const keepFor = (env: Record<string, string>) =>
      load('proxy: {remoteurl: "https://far.example.com"}', env).config.repositories.at(-1)!.upstream!.keepFor
    expect(keepFor({})).toBe(168 * 3_600_000)
    expect(keepFor({ REGISTRY_PROXY_TTL: '12h' })).toBe(12 * 3_600_000)
    expect(keepFor({ REGISTRY_PROXY_TTL: '0' })).toBeUndefined()
    expect(complaints('proxy: {remoteurl: "http://far", exec: {command: docker-credential-x}}')).toEqual([
      'configuration line 1: proxy.exec is not supported by this version',
    ])
  })

  test('the cache of a proxy has an age and a size where they are written', () => {
    const upstreams = load(`
repositories:
  - {name: hub, type: proxy, upstream: {url: "https://far", keepFor: 30d, cacheSize: 200GB, foreignLayers: fetch}}
  - {name: gcr, type: proxy, upstream: {url: "https://far"}}
outbound: {allow: [files.corp, 10.1.0.0/16]}`).config.repositories.map(({ upstream }) => upstream)
    expect(upstreams[0]).toMatchObject({ keepFor: 30 * 86_400_000, cacheSize: 200e9, foreignLayers: 'fetch' })
    expect(upstreams[1]).toMatchObject({ keepFor: undefined, cacheSize: undefined, foreignLayers: 'client' })
    expect(
      complaints('{repositories: [{name: hub, type: proxy, upstream: {url: "http://far", keepFor: 5m}}]}'),
    ).toEqual(['configuration line 1: repositories[0].upstream.keepFor is too short'])
    expect(complaints('outbound: {allow: ["10.0.0.0/99", "a b"]}').length).toBe(2)
  })

  test('repositories and blob stores are resolved by name', () => {
    const text = `
blobStores:
  fast: {filesystem: {rootdirectory: /data/fast}}
  gone: inmemory
repositories:
  - {name: team, blobStore: fast, writePolicy: allow-once, description: Ours}
defaultRepository: team
`
    const { config } = load(text)
    expect(config.repositories.map(({ name }) => name)).toEqual(['team'])
    expect(config.repositories[0]).toMatchObject({ blobStore: 'fast', writePolicy: 'allow-once', description: 'Ours' })
    expect(config.blobStores).toMatchObject({
      fast: { filesystem: { rootdirectory: '/data/fast' } },
      gone: { inmemory: {} },
    })
    expect(Object.keys(config.blobStores)).toEqual(['default', 'fast', 'gone'])
  })

  test('the repository private is there unless another one is the default', () => {
    const names = (text: string) => load(text).config.repositories.map(({ name }) => name)
    expect(names('repositories: [{name: team}]')).toEqual(['team', 'private'])
    expect(names('repositories: [{name: team}, {name: private, writePolicy: read-only}]')).toEqual(['team', 'private'])
    expect(names('repositories: [{name: team}]\ndefaultRepository: team')).toEqual(['team'])
  })

  test('auth none is taken with a warning', () => {
    const { config, warnings } = load('auth: none')
    expect(config.auth).toBe('none')
    expect(warnings).toMatchObject([
      { path: 'auth', source: 'configuration line 1', message: expect.stringContaining('everyone') },
    ])
  })

  test('anchors, aliases and merges of YAML are followed', () => {
    const { config } = load('http: {headers: {X-A: &l [v], X-B: *l}}')
    expect(config.http.headers).toEqual({ 'X-A': ['v'], 'X-B': ['v'] })
    const merged = load('repositories:\n  - &one {name: one, writePolicy: read-only}\n  - {<<: *one, name: two}')
    expect(merged.config.repositories).toMatchObject([
      { name: 'one' },
      { name: 'two', writePolicy: 'read-only' },
      { name: 'private' },
    ])
  })
})
