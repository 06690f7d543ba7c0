import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from './load.ts'
import { ConfigError } from './problems.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-environment-'))
  for (const name of ['tls.crt', 'tls.key', 'ca.pem', 'htpasswd']) writeFileSync(join(folder, name), '')
})
afterAll(() => rmSync(folder, { recursive: true }))

type Env = Record<string, string>

function load(env: Env, text?: string) {
  return loadConfig({ text, env, cwd: folder, formerData: join(folder, 'none') })
}

function problemsOf(env: Env, text?: string): string[] {
  try {
    load(env, text)
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map((problem) => `${problem.path || problem.source} ${problem.reason}`)
    throw error
  }
  return []
}

/** The value at a path of the resolved configuration. */
function at(env: Env, path: string, text?: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], load(env, text).config)
}

const tls = { REGISTRY_HTTP_TLS_CERTIFICATE: 'tls.crt', REGISTRY_HTTP_TLS_KEY: 'tls.key' }

/** What registry:2 documents and people write. */
const rows: [Env, string, unknown][] = [
  [{ REGISTRY_HTTP_ADDR: '0.0.0.0:5000' }, 'http.addr', { host: '0.0.0.0', port: 5000 }],
  [{ REGISTRY_HTTP_ADDR: ':80' }, 'http.addr', { host: '', port: 80 }],
  [{ REGISTRY_HTTP_ADDR: '[::]:80' }, 'http.addr', { host: '::', port: 80 }],
  [{ REGISTRY_HTTP_NET: 'unix', REGISTRY_HTTP_ADDR: '/run/r.sock' }, 'http.addr', { socket: '/run/r.sock' }],
  [{ REGISTRY_HTTP_NET: 'tcp' }, 'http.net', 'tcp'],
  [{ REGISTRY_HTTP_PREFIX: '/my/registry/' }, 'http.prefix', '/my/registry'],
  [{ REGISTRY_HTTP_HOST: 'https://reg.example.com' }, 'http.host', 'https://reg.example.com'],
  [{ REGISTRY_HTTP_SECRET: 'hunter2' }, 'http.secret', 'hunter2'],
  [{ REGISTRY_HTTP_SECRET: '0123' }, 'http.secret', '0123'],
  [{ REGISTRY_HTTP_SECRET: '@a: {b' }, 'http.secret', '@a: {b'],
  [{ REGISTRY_HTTP_SECRET: '#x' }, 'http.secret', '#x'],
  [{ REGISTRY_HTTP_SECRET: '"quoted: yes"' }, 'http.secret', 'quoted: yes'],
  [{ REGISTRY_HTTP_SECRET: '' }, 'http.secret', undefined],
  [{ REGISTRY_HTTP_RELATIVEURLS: 'true' }, 'http.relativeurls', true],
  [{ REGISTRY_HTTP_DRAINTIMEOUT: '60s' }, 'http.draintimeout', 60_000],
  [{ ...tls }, 'http.tls.minimumtls', 'tls1.2'],
  [{ ...tls, REGISTRY_HTTP_TLS_MINIMUMTLS: 'tls1.3' }, 'http.tls.minimumtls', 'tls1.3'],
  [
    { ...tls, REGISTRY_HTTP_TLS_CLIENTAUTH: 'verify-client-cert-if-given' },
    'http.tls.clientauth',
    'verify-client-cert-if-given',
  ],
  [{ REGISTRY_HTTP_TLS_CIPHERSUITES: '[A, B]' }, 'http.tls.ciphersuites', ['A', 'B']],
  [
    { 'REGISTRY_HTTP_HEADERS_Access-Control-Allow-Origin': '["https://ui.example.com"]' },
    'http.headers',
    { 'Access-Control-Allow-Origin': ['https://ui.example.com'] },
  ],
  [{ REGISTRY_HTTP_HEADERS: '{X-A: [b, c]}' }, 'http.headers', { 'X-A': ['b', 'c'] }],
  [{ REGISTRY_HTTP_DEBUG_ADDR: ':5001' }, 'http.debug.addr', { host: '', port: 5001 }],
  [{ REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED: 'true' }, 'http.debug.prometheus.enabled', true],
  [{ REGISTRY_HTTP_DEBUG_PROMETHEUS_PATH: '/m' }, 'http.debug.prometheus.path', '/m'],
  [
    { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: '/data' },
    'blobStores.default',
    { filesystem: { rootdirectory: '/data', maxthreads: 100 } },
  ],
  [
    { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: '/d', REGISTRY_STORAGE_FILESYSTEM_MAXTHREADS: '50' },
    'blobStores.default',
    { filesystem: { rootdirectory: '/d', maxthreads: 50 } },
  ],
  [{ REGISTRY_STORAGE: 'inmemory' }, 'blobStores.default', { inmemory: {} }],
  [{ REGISTRY_STORAGE_INMEMORY: '' }, 'blobStores.default', { inmemory: {} }],
  [{ REGISTRY_STORAGE_DELETE_ENABLED: 'false' }, 'storage.delete.enabled', false],
  [{ REGISTRY_STORAGE_DELETE_ENABLED: 'true' }, 'storage.delete.enabled', true],
  [{ REGISTRY_STORAGE_MAINTENANCE_READONLY: '{"enabled":true}' }, 'storage.maintenance.readonly.enabled', true],
  [{ REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED: 'true' }, 'storage.maintenance.readonly.enabled', true],
  [
    {
      REGISTRY_STORAGE_MAINTENANCE_READONLY: '{"enabled":true}',
      REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED: 'false',
    },
    'storage.maintenance.readonly.enabled',
    false,
  ],
  [
    { REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING: '{"enabled":false}' },
    'storage.maintenance.uploadpurging.enabled',
    false,
  ],
  [{ REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING: '{"age":"1h"}' }, 'storage.maintenance.uploadpurging.age', 3_600_000],
  [
    { REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_INTERVAL: '2h' },
    'storage.maintenance.uploadpurging.interval',
    7_200_000,
  ],
  [{ REGISTRY_AUTH: 'none' }, 'auth', 'none'],
  [{ REGISTRY_AUTH: '{none: {}}' }, 'auth', 'none'],
  [{ REGISTRY_AUTH_NONE: '' }, 'auth', 'none'],
  [{ REGISTRY_AUTH: '' }, 'auth', undefined],
  [{ REGISTRY_LOG_LEVEL: 'debug' }, 'log.level', 'debug'],
  [{ REGISTRY_LOG_FORMATTER: 'json' }, 'log.formatter', 'json'],
  [{ REGISTRY_LOG_ACCESSLOG_DISABLED: 'true' }, 'log.accesslog.disabled', true],
  [{ REGISTRY_LOG_FIELDS_SERVICE: 'registry' }, 'log.fields', { service: 'registry' }],
  [{ REGISTRY_LOG_FIELDS_MY_FIELD: '1.10' }, 'log.fields', { my_field: '1.10' }],
  [{ REGISTRY_CATALOG_MAXENTRIES: '7' }, 'catalog.maxentries', 7],
  [{ ENTREPOT_WEB_ENABLED: 'false' }, 'web.enabled', false],
  [{ REGISTRY_TAGS_MAXTAGS: '8' }, 'tags.maxtags', 8],
  [{ REGISTRY_VALIDATION_DISABLED: 'true' }, 'validation.disabled', true],
  [{ ENTREPOT_DATADIR: '/var/lib/entrepot' }, 'database', 'sqlite:/var/lib/entrepot/entrepot.db'],
  [{ ENTREPOT_DATADIR: '/d' }, 'blobStores.default', { filesystem: { rootdirectory: '/d/blobs', maxthreads: 100 } }],
  [{ ENTREPOT_HTTP_TRUSTEDPROXIES: '[192.0.2.1]' }, 'http.trustedProxies', ['192.0.2.1']],
  [{ ENTREPOT_HTTP_TRUSTEDPROXIES: '[]' }, 'http.trustedProxies', []],
  [
    { ENTREPOT_HTTP_TRUSTEDPROXIES_0: '192.0.2.1', ENTREPOT_HTTP_TRUSTEDPROXIES_1: '192.0.2.2' },
    'http.trustedProxies',
    ['192.0.2.1', '192.0.2.2'],
  ],
  [{ ENTREPOT_HTTP_IDLETIMEOUT: '5m' }, 'http.idleTimeout', 300_000],
  [{ ENTREPOT_STORAGE_GC_GRACE: '10m' }, 'storage.gc.grace', 600_000],
  [
    { ENTREPOT_BLOBSTORES_FAST_FILESYSTEM_ROOTDIRECTORY: '/f' },
    'blobStores.fast',
    { filesystem: { rootdirectory: '/f', maxthreads: 100 } },
  ],
  [{ ENTREPOT_BLOBSTORES_FAST: 'inmemory' }, 'blobStores.fast', { inmemory: {} }],
  [{ ENTREPOT_REPOSITORIES_0_NAME: 'team', ENTREPOT_DEFAULTREPOSITORY: 'team' }, 'repositories.0.name', 'team'],
  [{ REGISTRY_CATALOG_MAXENTRIES: '7', ENTREPOT_CATALOG_MAXENTRIES: '9' }, 'catalog.maxentries', 9],
]

describe('environment variables', () => {
  for (const [env, path, expected] of rows)
    test(`${Object.entries(env)
      .map(([key, value]) => `${key}=${value}`)
      .join(' ')} gives ${path}`, () => {
      expect(at(env, path)).toEqual(expected)
    })

  test('the elements of a list are set one by one', () => {
    const env = { ...tls, REGISTRY_HTTP_TLS_CLIENTCAS_0: 'ca.pem', REGISTRY_HTTP_TLS_CLIENTCAS_1: 'tls.crt' }
    expect(at(env, 'http.tls.clientcas')).toEqual([join(folder, 'ca.pem'), join(folder, 'tls.crt')])
    expect(at({ ...tls, REGISTRY_HTTP_TLS_CLIENTCAS: 'ca.pem' }, 'http.tls.clientcas')).toEqual([
      join(folder, 'ca.pem'),
    ])
    expect(
      at({ ENTREPOT_HTTP_TRUSTEDPROXIES_1: '::1' }, 'http.trustedProxies', 'http: {trustedProxies: [10.0.0.1]}'),
    ).toEqual(['10.0.0.1', '::1'])
    expect(problemsOf({ REGISTRY_HTTP_TLS_CLIENTCAS_1: 'ca.pem' })).toEqual([
      'REGISTRY_HTTP_TLS_CLIENTCAS_1 names element 1 of a list of 0',
    ])
  })

  test('htpasswd is chosen by name and filled by further variables, whatever the file says', () => {
    const env = {
      REGISTRY_AUTH: 'htpasswd',
      REGISTRY_AUTH_HTPASSWD_REALM: 'Registry Realm',
      REGISTRY_AUTH_HTPASSWD_PATH: 'htpasswd',
    }
    const expected = { htpasswd: { realm: 'Registry Realm', path: join(folder, 'htpasswd') } }
    expect(at(env, 'auth')).toEqual(expected)
    expect(at(env, 'auth', 'auth: none')).toEqual(expected)
    expect(at(env, 'auth', 'auth: {htpasswd: {realm: other, path: /nowhere}}')).toEqual(expected)
    expect(problemsOf({ REGISTRY_AUTH: 'htpasswd' })).toEqual(['auth.htpasswd.path is missing'])
  })

  test('a variable for a single value leaves its neighbours in the file', () => {
    const text = 'http: {addr: ":1", draintimeout: 5s}'
    expect(load({ REGISTRY_HTTP_ADDR: ':2' }, text).config.http).toMatchObject({
      addr: { port: 2 },
      draintimeout: 5000,
    })
  })

  test('a variable for a section replaces the whole section', () => {
    const text = 'storage: {filesystem: {rootdirectory: /f}, delete: {enabled: false}}'
    const { config } = load({ REGISTRY_STORAGE: 'inmemory' }, text)
    expect(config.blobStores.default).toEqual({ inmemory: {} })
    expect(config.storage.delete.enabled).toBe(true)
  })

  test('a driver named by a variable beside another one in the file is a problem', () => {
    expect(problemsOf({ REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: '/f' }, 'storage: inmemory')).toEqual([
      'storage names both filesystem and inmemory',
    ])
  })

  test('names in the file are met whatever their case', () => {
    const text = 'http: {headers: {X-Frame-Options: [DENY]}}\nlog: {fields: {Service: a}}'
    const { config } = load(
      { 'REGISTRY_HTTP_HEADERS_x-frame-options': '[SAMEORIGIN]', REGISTRY_LOG_FIELDS_SERVICE: 'b' },
      text,
    )
    expect(config.http.headers).toEqual({ 'X-Frame-Options': ['SAMEORIGIN'] })
    expect(config.log.fields).toEqual({ Service: 'b' })
  })

  test('what is not supported is a problem once, however many variables name it', () => {
    const env = {
      REGISTRY_STORAGE: 's3',
      REGISTRY_STORAGE_S3_BUCKET: 'b',
      REGISTRY_STORAGE_S3_REGION: 'r',
      REGISTRY_STORAGE_S3_SECRETKEY: 'hunter2',
      REGISTRY_PROXY_EXEC_COMMAND: 'login',
      REGISTRY_PROXY_EXEC_LIFETIME: '1h',
    }
    expect(problemsOf(env).sort()).toEqual([
      'proxy.exec is not supported by this version',
      'storage.s3 is not supported by this version',
    ])
  })

  test('what has no effect is a warning once, under either spelling', () => {
    const env = {
      REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES: 'true',
      REGISTRY_NOTIFICATIONS_ENDPOINTS: '[{name: n, url: "https://l/e"}]',
      REGISTRY_HEALTH_FILECHECKERS_0_FILE: '/x',
      REGISTRY_HEALTH_STORAGEDRIVER_ENABLED: 'true',
      REGISTRY_LOG_HOOKS_0_MAILOPTIONS_FROM: 'a@b.c',
      REGISTRY_LOG_HOOKS_0_OPTIONS_FROM: 'a@b.c',
      REGISTRY_COMPATIBILITY_SCHEMA1_TRUSTKEY: '/k',
      REGISTRY_REDIS_ADDR: 'redis:6379',
      REGISTRY_REDIS_OPTIONS_ADDRS: '[redis:6379]',
      REGISTRY_HTTP_HTTP2_DISABLED: 'true',
      REGISTRY_HTTP_H2C_ENABLED: 'true',
      REGISTRY_STORAGE_REDIRECT_DISABLE: 'true',
      REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR: 'inmemory',
      REGISTRY_STORAGE_TAG_CONCURRENCYLIMIT: '8',
    }
    const paths = load(env).warnings.map(({ path }) => path)
    expect(paths.sort()).toEqual([
      'compatibility',
      'health',
      'http.h2c',
      'http.http2',
      'log.hooks',
      'notifications',
      'redis',
      'storage.cache',
      'storage.redirect',
      'storage.tag',
    ])
  })

  test('an unknown REGISTRY_ variable is a warning that suggests the nearest name', () => {
    const { warnings } = load({
      REGISTRY_HTTP_ADRR: ':1',
      REGISTRY_HTTP_ADDR_X: '1',
      REGISTRY_STORAGE_FILESYTEM_ROOTDIRECTORY: '/d',
      REGISTRY_VERSION: '2.8',
    })
    expect(warnings.map(({ source, message }) => `${source} ${message}`)).toEqual([
      'REGISTRY_HTTP_ADDR_X is no setting and is ignored; did you mean REGISTRY_HTTP_ADDR?',
      'REGISTRY_HTTP_ADRR is no setting and is ignored; did you mean REGISTRY_HTTP_ADDR?',
      'REGISTRY_STORAGE_FILESYTEM_ROOTDIRECTORY is no setting and is ignored; did you mean REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY?',
      'REGISTRY_VERSION cannot be set by a variable; it is ignored',
    ])
  })

  test('an unknown ENTREPOT_ variable is a problem that suggests the nearest name', () => {
    const attempt = () => load({ ENTREPOT_DATA_DIR: '/d', ENTREPOT_NONSENSE_ALTOGETHER: '1' })
    expect(attempt).toThrow('ENTREPOT_DATA_DIR is no setting: did you mean ENTREPOT_DATADIR?')
    expect(attempt).toThrow('ENTREPOT_NONSENSE_ALTOGETHER is no setting: remove it')
  })

  test('a value that is not YAML is a problem that does not repeat it', () => {
    expect(() => load({ REGISTRY_HTTP_HEADERS: '{X-Token: [hunter2' })).toThrow('REGISTRY_HTTP_HEADERS is not YAML')
    expect(() => load({ REGISTRY_HTTP_HEADERS: '{X-Token: [hunter2' })).not.toThrow('hunter2')
  })

  for (const name of [
    'registry',
    'entrepot',
    'registry-http',
    'registry-auth',
    'registry-storage',
    'registry-proxy',
    'entrepot-http-tls',
    'entrepot-ui',
  ])
    test(`the variables of a Kubernetes service named ${name} change nothing and break nothing`, () => {
      const prefix = name.toUpperCase().replaceAll('-', '_')
      const port = `${prefix}_PORT_5000_TCP`
      const env = {
        [`${prefix}_SERVICE_HOST`]: '10.0.0.11',
        [`${prefix}_SERVICE_PORT`]: '5000',
        [`${prefix}_SERVICE_PORT_HTTP`]: '5000',
        [`${prefix}_PORT`]: 'tcp://10.0.0.11:5000',
        [port]: 'tcp://10.0.0.11:5000',
        [`${port}_PROTO`]: 'tcp',
        [`${port}_PORT`]: '5000',
        [`${port}_ADDR`]: '10.0.0.11',
      }
      expect(load(env)).toEqual(load({}))
    })

  test('the usual command line of registry:2 means what it says', () => {
    const { config, warnings } = load({
      REGISTRY_AUTH: 'htpasswd',
      REGISTRY_AUTH_HTPASSWD_REALM: 'Registry Realm',
      REGISTRY_AUTH_HTPASSWD_PATH: join(folder, 'htpasswd'),
      REGISTRY_HTTP_TLS_CERTIFICATE: join(folder, 'tls.crt'),
      REGISTRY_HTTP_TLS_KEY: join(folder, 'tls.key'),
      REGISTRY_HTTP_SECRET: 'x',
    })
    expect(warnings).toEqual([])
    expect(config.auth).toEqual({ htpasswd: { realm: 'Registry Realm', path: join(folder, 'htpasswd') } })
    expect(config.http).toMatchObject({ addr: { host: '', port: 5000 }, net: 'tcp', secret: 'x' })
    expect(config.http.tls).toMatchObject({ certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') })
  })
})
