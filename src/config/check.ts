import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkAccess } from './check-access.ts'
import { checkConnectors } from './check-connectors.ts'
import { checkGroups } from './check-groups.ts'
import { checkIdentity } from './check-identity.ts'
import { checkLdap } from './check-ldap.ts'
import { checkRepository } from './check-repository.ts'
import type { Reading } from './read.ts'
import type { Settings } from './settings.ts'

/**
 * Checks what one setting alone cannot tell: references between sections, things that go together, files that must be readable. Adds to
 * `reading`; leaves alone what already has a problem, so that nobody reads about the consequences of one mistake.
 */
export function checkSettings(settings: Settings, reading: Reading): void {
  const check: Check = {
    settings,
    wrong: (path, value, reason, fix, cause = path) => {
      const under = reading.problems.some((problem) => problem.path === path || problem.path.startsWith(`${path}.`))
      if (!under) reading.problems.push({ path, source: sourceOf(cause, reading), value, reason, fix })
    },
    warn: (path, message) => reading.warnings.push({ path, source: sourceOf(path, reading), message }),
    failed: (path) => reading.problems.some((problem) => problem.path.startsWith(path)),
  }
  checkListener(check)
  checkTls(check)
  checkAuth(check)
  checkLdap(check)
  checkIdentity(check)
  checkStores(check)
  checkRepositories(check)
  checkFile('outbound.ca', settings.outbound.ca, check.wrong)
  checkGroups(check)
  checkConnectors(check)
  checkAccess(check)
}

/** What a check works with. */
export interface Check {
  settings: Settings
  /** `cause` is the setting that brought the trouble, where that is another one. */
  wrong: (path: string, value: string | undefined, reason: string, fix: string, cause?: string) => void
  warn: (path: string, message: string) => void
  /** Something at or below the path has a problem already. */
  failed: (path: string) => boolean
}

/** Where a setting or anything below it was written. */
function sourceOf(path: string, { sources }: Reading): string {
  const exact = sources.get(path)
  if (exact) return exact
  for (const [name, source] of sources) if (name.startsWith(`${path}.`) || name.startsWith(`${path}[`)) return source
  return 'default'
}

function checkListener({ settings: { http }, wrong, failed }: Check): void {
  if (failed('http.addr') || failed('http.net')) return
  const isSocket = 'socket' in http.addr
  if (http.net === 'unix' && !isSocket)
    wrong('http.addr', undefined, 'is no path although http.net is unix', 'write the absolute path of the socket')
  if (http.net === 'tcp' && isSocket)
    wrong('http.addr', undefined, 'is a path although http.net is tcp', 'write host:port, or set http.net to unix')
}

function checkTls({ settings, wrong, warn, failed }: Check): void {
  const { certificate, key, clientcas, letsencrypt } = settings.http.tls
  if (letsencrypt.hosts.length > 0 && (certificate || key))
    wrong(
      'http.tls.letsencrypt.hosts',
      letsencrypt.hosts.join(' '),
      'is set beside a certificate of your own',
      'keep http.tls.certificate and http.tls.key, or http.tls.letsencrypt',
    )
  const halves = { certificate, key }
  for (const [here, there] of [
    ['certificate', 'key'],
    ['key', 'certificate'],
  ] as const)
    if (halves[here] && !halves[there] && !failed('http.tls.'))
      wrong(
        `http.tls.${there}`,
        undefined,
        `is missing although http.tls.${here} is set`,
        'set both, or neither',
        `http.tls.${here}`,
      )
  if (clientcas.length > 0 && !certificate && !key && letsencrypt.hosts.length === 0)
    wrong(
      'http.tls.clientcas',
      undefined,
      'is set without a certificate',
      'set http.tls.certificate and http.tls.key too',
    )
  if (clientcas.length > 0 && settings.http.tls.clientauth === 'request-client-cert')
    warn('http.tls.clientauth', 'asks for client certificates and accepts any, or none')
  const files = [
    ['certificate', certificate],
    ['key', key],
    ...clientcas.map((file, index) => [`clientcas[${index}]`, file]),
  ]
  for (const [name, file] of files) checkFile(`http.tls.${name}`, file, wrong)
}

function checkAuth({ settings: { auth }, wrong, warn }: Check): void {
  const named = (['none', 'htpasswd', 'token'] as const).filter((word) => auth?.[word])
  if (named.length > 1)
    wrong(
      'auth',
      undefined,
      `names both ${named.slice(0, 2).join(' and ')}`,
      'keep one; REGISTRY_AUTH=htpasswd replaces what the file says',
    )
  checkTokenServer(auth?.token, wrong)
  if (auth?.none) warn('auth', 'is none: everyone who can reach this server may pull, push and delete')
  // A file that is not there is made at start, with one user, as registry:2 does; its folder must be.
  const path = auth?.htpasswd?.path
  if (path && !existsSync(path) && existsSync(dirname(path)))
    warn('auth.htpasswd.path', 'does not exist: it will be made, with one user')
  else checkFile('auth.htpasswd.path', path, wrong)
}

function checkTokenServer(token: NonNullable<Settings['auth']>['token'], wrong: Check['wrong']): void {
  if (!token) return
  const { realm, autoredirect, rootcertbundle, jwks } = token
  if (!realm && !autoredirect)
    wrong('auth.token.realm', undefined, 'is missing', 'write the address of the token server, or set autoredirect')
  if (!rootcertbundle && !jwks)
    wrong(
      'auth.token.rootcertbundle',
      undefined,
      'is missing',
      'name the certificates or, in jwks, the keys of the token server',
    )
  checkFile('auth.token.rootcertbundle', rootcertbundle, wrong)
  checkFile('auth.token.jwks', jwks, wrong)
}

function checkStores({ settings, wrong, failed }: Check): void {
  const { storage, blobStores, dataDir } = settings
  if (storage.filesystem && storage.inmemory)
    wrong(
      'storage',
      undefined,
      'names both filesystem and inmemory',
      'keep one; REGISTRY_STORAGE=filesystem replaces what the file says',
    )
  if (Object.hasOwn(blobStores, 'default'))
    wrong(
      'blobStores.default',
      undefined,
      'is the name of the storage section',
      'describe it under storage, or choose another name',
    )

  const folders = new Map<string, string>()
  if (!storage.inmemory) folders.set(storage.filesystem?.rootdirectory ?? join(dataDir ?? '', 'blobs'), 'storage')
  for (const [name, store] of Object.entries(blobStores)) {
    const path = `blobStores.${name}`
    if (failed(path) || name === 'default') continue
    const count = [store.filesystem, store.inmemory].filter(Boolean).length
    if (count !== 1)
      wrong(path, undefined, count === 0 ? 'names no driver' : 'names two drivers', 'write one: filesystem or inmemory')
    const folder = store.filesystem?.rootdirectory
    if (store.filesystem && !folder)
      wrong(`${path}.filesystem.rootdirectory`, undefined, 'is missing', 'name the folder of this store')
    const other = folder && folders.get(folder)
    if (other)
      wrong(`${path}.filesystem.rootdirectory`, folder, `is also the folder of ${other}`, 'give each store its own')
    if (folder) folders.set(folder, path)
  }
}

function checkRepositories({ settings, wrong, failed }: Check): void {
  const { repositories, blobStores, defaultRepository, proxy } = settings
  const names = new Map<string, number>()
  for (const [index, repository] of repositories.entries()) {
    if (!repository) continue
    const path = `repositories[${index}]`
    const { name } = repository
    if (name !== undefined && names.has(name))
      wrong(
        `${path}.name`,
        name,
        `is also the name of repositories[${names.get(name)}]`,
        'give each repository its own',
      )
    names.set(name, index)
    checkRepository(path, repository, ['default', ...Object.keys(blobStores)], wrong)
  }
  if (proxy.remoteurl && (names.has('proxy') || defaultRepository !== 'private'))
    wrong(
      'proxy',
      undefined,
      `makes a repository "proxy" the default one, which ${names.has('proxy') ? 'is declared' : 'defaultRepository says'}, too`,
      'declare a repository of type proxy instead',
    )
  if (proxy.password && !proxy.username)
    wrong('proxy.username', undefined, 'is missing although there is a password', 'set both, or neither')
  if (proxy.username && !proxy.remoteurl)
    wrong(
      'proxy.remoteurl',
      undefined,
      'is missing although proxy.username is set',
      'name the registry, or set neither',
    )
  if (defaultRepository === 'private' || names.has(defaultRepository) || failed('repositories')) return
  wrong(
    'defaultRepository',
    defaultRepository,
    'is not declared',
    'add it to repositories, or leave it out to have private',
  )
}

/** What went wrong, in words, by the code of a file system error. */
const reasons: Record<string, string> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  ENOTDIR: 'lies below something that is no folder',
  ELOOP: 'is a loop of symbolic links',
  EISDIR: 'is a folder',
}

/** Why an existing file cannot be read, continuing "this file ...". */
export function unreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  return reasons[code] ?? `cannot be read (${code || String(error)})`
}

/** Complains about a file that is set and cannot be read. */
export function checkFile(path: string, file: string | undefined, wrong: Check['wrong']): void {
  if (!file) return
  const fix = 'correct the path, or make the file readable for this process'
  try {
    accessSync(file, constants.R_OK)
    if (statSync(file).isDirectory()) wrong(path, file, 'is a folder', fix)
  } catch (error) {
    wrong(path, file, unreadable(error), fix)
  }
}
