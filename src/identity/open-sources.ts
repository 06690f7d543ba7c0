import { type Config, htpasswdOf } from '../config/config.ts'
import type { Database } from '../database/database.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { declareUsers } from './declared-users.ts'
import { createFirstAdmin, type FirstAdmin } from './first-admin.ts'
import { type HtpasswdSource, openHtpasswdSource } from './htpasswd-source.ts'
import { createLocalUsers, type LocalUsers } from './local-users.ts'
import { besideProvider } from './oidc/beside.ts'
import type { UserSource } from './sources.ts'
import { databaseUserStore } from './user-store.ts'

/** What is needed to open them. */
export interface SourcesOptions {
  config: Config
  db: Database
  log: Log
  /** Milliseconds since 1970. */
  now: () => number
  metrics?: Pick<Metrics, 'directoryAsked'>
}

/** Where the users of a server are. */
export interface Sources {
  /**
   * In the order they are asked: local users, the htpasswd file, directories as they are listed. Local ones first, so that a directory in
   * trouble never keeps an admin out. An htpasswd file alone is registry:2's way to say who may enter: then its users and those that the
   * configuration declares, and no others.
   */
  sources: UserSource[]
  /** Those of the database; undefined where they are not asked. */
  local: LocalUsers | undefined
  /** Shown by clients that ask a person. */
  realm: string
  /** Set when this start created the first local user. */
  firstAdmin: FirstAdmin | undefined
  /** SIGHUP: looks at files again. */
  reload(): void
}

/** Opens every configured source of users. Throws `unavailable` when a file cannot be used; directories are first asked when somebody logs in. */
export async function openSources({ config, db, log, now, metrics }: SourcesOptions): Promise<Sources> {
  const htpasswd = htpasswdOf(config)
  const { ldap, oidc, dataDir, users } = config
  const store = databaseUserStore(db)
  const opened = await openDirectories(ldap, log, metrics)
  const isSame = (source: UserSource) => oidc?.sameAs.includes(source.name) ?? false
  const directories = oidc
    ? opened.map((source) => besideProvider(source, { db, log, isSame: isSame(source) }))
    : opened
  const isAlone = htpasswd !== undefined && directories.length === 0
  const declare = () => declareUsers(users, { db, log, now, policy: config.passwords })
  // Only a file without an admin leaves it to the first start to make one.
  if (users.some(({ admin }) => admin)) await declare()
  const firstAdmin = isAlone ? undefined : await createFirstAdmin({ store, dataDir, log })
  await declare()
  const file = htpasswd && (await openHtpasswd(htpasswd.path, log))
  const local = isAlone && users.length === 0 ? undefined : createLocalUsers(store)
  const sources = [...(local ? [local] : []), ...(file ? [file] : []), ...directories]
  if (sources.length > 1) log.info('users are looked for in this order', { sources: sources.map(({ name }) => name) })
  return { sources, local, realm: htpasswd?.realm ?? 'Entrepot', firstAdmin, reload: () => file?.reload() }
}

async function openHtpasswd(path: string, log: Log): Promise<HtpasswdSource> {
  const source = await openHtpasswdSource({ path, log })
  if (source.created)
    log.warn(`there was no ${path}: made it with one user`, {
      user: source.created.username,
      initial: source.created.password,
    })
  return source
}

/** The directories of the configuration, each as a source; asked nothing yet. */
export async function openDirectories(
  ldap: Config['ldap'],
  log: Log,
  metrics: SourcesOptions['metrics'],
): Promise<UserSource[]> {
  if (ldap.length === 0) return []
  // Loaded only where there is a directory: the client library would add a tenth to the time of a start.
  const [{ directorySettings }, { createLdapSource }] = await Promise.all([
    import('./ldap/settings.ts'),
    import('./ldap/source.ts'),
  ])
  const counted = metrics?.directoryAsked
  return directorySettings(ldap).map((settings) => createLdapSource(settings, { log, ...(counted && { counted }) }))
}
