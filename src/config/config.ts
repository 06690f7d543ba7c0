import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from './settings.ts'

/** One named blob store: exactly one driver. Paths are absolute. */
export type BlobStoreConfig =
  | { readonly filesystem: { readonly rootdirectory: string; readonly maxthreads: number } }
  | { readonly inmemory: Readonly<Record<string, never>> }

/** One declared repository. */
export type RepositoryConfig = Settings['repositories'][number]

/** One directory whose users may log in. */
export type LdapConfig = Settings['ldap'][number]

/** Who may enter: `undefined` when nobody said, then the first start creates `admin`. */
export type AuthConfig =
  | 'none'
  | { readonly htpasswd: { readonly realm: string; readonly path: string } }
  | { readonly token: NonNullable<NonNullable<Settings['auth']>['token']> }
  | undefined

/**
 * The configuration as every other room sees it: all defaults filled in, times in milliseconds, sizes in bytes, paths absolute,
 * references between sections checked. Keys are those of the file.
 */
export type Config = Omit<Settings, 'auth' | 'blobStores' | 'database' | 'proxy' | 'storage'> & {
  readonly auth: AuthConfig
  /** By name; the `storage` section is the one named `default`. */
  readonly blobStores: Readonly<Record<string, BlobStoreConfig>>
  /** `sqlite:` and an absolute path, or `postgres://...` with its password. */
  readonly database: string
  /** What the `storage` section says beside its driver. */
  readonly storage: Omit<Settings['storage'], 'filesystem' | 'inmemory'>
}

/** The password file of the configuration, if it names one. */
export function htpasswdOf({ auth }: Pick<Config, 'auth'>): { realm: string; path: string } | undefined {
  return typeof auth === 'object' && 'htpasswd' in auth ? auth.htpasswd : undefined
}

/** Where the key for secrets is, as `openSecrets` wants to be told. */
export function secretsSettings({ secrets, dataDir }: Config): { key: string | undefined; file: string } {
  return { key: secrets.key, file: secrets.keyFile ?? join(dataDir, 'secrets.key') }
}

/** Where an image of registry:2 keeps its data. */
export const registryVolume = '/var/lib/registry'

/**
 * The configuration from settings without problems. `adopt` is a folder that becomes the default blob store when nothing else was said
 * and registry:2 left data in it.
 */
export function resolveConfig(settings: Settings, adopt: string | undefined): Config {
  const { auth, blobStores, database, proxy, storage, ...rest } = settings
  const { filesystem, inmemory, ...care } = storage
  const adopted = adopt !== undefined && existsSync(join(adopt, 'docker/registry/v2')) ? adopt : undefined
  const root = adopted ?? join(settings.dataDir, 'blobs')
  const stores = Object.entries(blobStores).map(([name, store]) => [name, driverOf(store, root)] as const)
  return {
    ...rest,
    auth: authOf(auth),
    blobStores: Object.fromEntries([['default', driverOf({ filesystem, inmemory }, root)], ...stores]),
    database: database ?? `sqlite:${join(settings.dataDir, 'entrepot.db')}`,
    ...(proxy.remoteurl === undefined
      ? withPrivate(settings.repositories, settings.defaultRepository)
      : withProxy(settings.repositories, { ...proxy, url: proxy.remoteurl })),
    storage: care,
  }
}

function authOf(auth: Settings['auth']): AuthConfig {
  if (auth?.none) return 'none'
  if (auth?.htpasswd) return { htpasswd: auth.htpasswd }
  return auth?.token && { token: auth.token }
}

function driverOf(
  { filesystem, inmemory }: Pick<Settings['storage'], 'filesystem' | 'inmemory'>,
  root: string,
): BlobStoreConfig {
  if (inmemory) return { inmemory: {} }
  return { filesystem: { rootdirectory: filesystem?.rootdirectory ?? root, maxthreads: filesystem?.maxthreads ?? 100 } }
}

type Repositories = Pick<Config, 'repositories' | 'defaultRepository'>

/** A fresh install has somewhere to push to. */
function withPrivate(declared: readonly RepositoryConfig[], defaultRepository: string): Repositories {
  if (defaultRepository !== 'private' || declared.some(({ name }) => name === 'private'))
    return { repositories: declared, defaultRepository }
  // At the end: the places of declared ones in the list name their sources.
  return { repositories: [...declared, { ...undeclared, name: 'private', type: 'hosted' }], defaultRepository }
}

/** What registry:2 makes of `proxy`: nothing is pushed there, and each pull asks whether the tag has moved. */
function withProxy(declared: readonly RepositoryConfig[], proxy: Settings['proxy'] & { url: string }): Repositories {
  const { url, username, password, ttl } = proxy
  const keepFor = ttl === 0 ? undefined : ttl
  const upstream = { ...usualUpstream, url, username, password, keepFor, tagAge: 0 }
  const repository: RepositoryConfig = { ...undeclared, name: 'proxy', type: 'proxy', upstream }
  return { repositories: [...declared, repository], defaultRepository: 'proxy' }
}

const undeclared = {
  format: 'docker',
  online: true,
  blobStore: 'default',
  writePolicy: 'allow',
  mutableTags: [],
  quota: undefined,
  allowFrom: [],
  description: undefined,
  upstream: undefined,
  members: [],
  writableMember: undefined,
} as const

const usualUpstream = {
  libraryPrefix: 'auto',
  index: 'auto',
  namespaces: [],
  ca: undefined,
  insecure: false,
  proxy: undefined,
  blocked: false,
  absenceAge: 30_000,
  cacheSize: undefined,
  foreignLayers: 'client',
  responseTimeout: 30_000,
  idleTimeout: 60_000,
  maxBandwidth: undefined,
  maxDownloads: undefined,
} as const
