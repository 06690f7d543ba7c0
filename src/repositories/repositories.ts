import type { Database } from '../database/database.ts'
import { listRepositories, putRepository, type RepositoryRow } from '../database/repositories.ts'
import { AppError } from '../errors.ts'
import { namespacesOf } from '../upstream/names.ts'
import type { UpstreamSettings } from '../upstream/settings.ts'

export type WritePolicy = RepositoryRow['write_policy']

/** Where the content of a repository comes from, with what that needs. */
export type RepositoryKind =
  | { type: 'hosted' }
  | { type: 'proxy'; upstream: ProxySettings }
  | {
      type: 'group'
      /** In the order of the file. */
      members: readonly GroupMember[]
      /** The hosted member that pushes go to; undefined: nothing can be pushed. */
      writableMember: string | undefined
    }

/** One entry in the list of a group's members. Patterns are those of `imageMatcher`. */
export interface GroupMember {
  repository: string
  /** The member is asked for these only. Empty: for all. */
  images: readonly string[]
  /** No other member is asked for these. */
  exclusive: readonly string[]
}

/** What a proxy repository needs besides its cache. All times in milliseconds. */
export interface ProxySettings extends Omit<UpstreamSettings, 'name'> {
  /** How long a tag is answered from the cache before the upstream is asked whether it has moved. */
  tagAgeMs: number
  /** How long "not there" is believed. */
  absenceAgeMs: number
  /** How long what is cached is kept without being used; undefined: for ever. */
  keepForMs?: number | undefined
  /** How many bytes the cache may need that nothing else does; undefined: any. */
  cacheBytes?: number | undefined
  /** Who gets layers that live elsewhere. Default: the client. */
  foreignLayers?: 'client' | 'fetch' | undefined
}

/** A named store of one format, addressed as `host/<repository>/<image>`, or, where it is the default, as `host/<image>`. */
export type Repository = RepositoryKind & {
  id: number
  name: string
  /** Name of the blob store its content is kept in; of a group: that of its writable member, else of its first. */
  store: string
  writePolicy: WritePolicy
}

/** A repository as the configuration file declares it. */
export type RepositoryDeclaration = RepositoryKind & {
  name: string
  blobStore: string
  writePolicy: WritePolicy
  description: string
}

export interface Located {
  repository: Repository
  /** What is left of the name once the repository is known. */
  image: string
  /** What decided it. */
  by: 'connector' | 'path' | 'namespace' | 'default'
}

export interface Repositories {
  /** In the order of their names. */
  all(): Repository[]
  readonly default: Repository
  /**
   * Which repository a name in a request means: its first segment, when that names one; else the proxy that stands for the registry that containerd says it
   * wants (`?ns=`, only asked for where there are proxies); else the default repository.
   */
  locate(name: string, namespace?: () => string | null): Located
  /** Of a connector: the repository itself, and what is in it when it is a group. */
  named(name: string): Repository | undefined
  /** What a connector shows: one repository, whose images stand under their own names. Throws `internal` when there is none of that name. */
  boundTo(name: string): Repositories
}

/** Creates or updates what is declared, then loads all. Throws `internal` when the default repository does not exist. */
export async function openRepositories(
  db: Database,
  declared: RepositoryDeclaration[],
  defaultName: string,
  now: () => number,
): Promise<Repositories> {
  await db.transaction(async (tx) => {
    for (const { name, type, blobStore, writePolicy, description } of declared) {
      await putRepository(tx, {
        name,
        format: 'docker',
        type,
        blob_store: blobStore,
        write_policy: writePolicy,
        description,
        managed_by: 'file',
        created_at: now(),
      })
    }
  })
  return createRepositories(await listRepositories(db), declared, defaultName)
}

/** The repositories of these rows; changes nothing. Throws `internal` when the default repository is not among them. */
export function createRepositories(
  rows: RepositoryRow[],
  declared: RepositoryDeclaration[],
  defaultName: string,
): Repositories {
  const kinds = new Map(declared.map((declaration) => [declaration.name, declaration]))
  // A proxy or a group that is declared no longer has nothing to say where its content comes from; its row and its cache wait.
  const served = rows.filter(({ name, type }) => kinds.has(name) || type === 'hosted')
  const byName = new Map(served.map((row) => [row.name, fromRow(row, kinds.get(row.name))]))
  const fallback = byName.get(defaultName)
  if (!fallback) throw new AppError('internal', `defaultRepository: there is no repository "${defaultName}"`)

  const byNamespace = new Map<string, Repository>()
  for (const repository of byName.values()) {
    if (repository.type !== 'proxy') continue
    const { url, namespaces } = repository.upstream
    // Of several for one registry, the first by name.
    for (const one of namespacesOf(new URL(url), namespaces))
      if (!byNamespace.has(one)) byNamespace.set(one, repository)
  }

  return {
    all: () => [...byName.values()],
    default: fallback,
    locate(name, namespace) {
      const slash = name.indexOf('/')
      const first = slash > 0 ? byName.get(name.slice(0, slash)) : undefined
      if (first) return { repository: first, image: name.slice(slash + 1), by: 'path' }
      const wanted = byNamespace.size > 0 ? namespace?.() : undefined
      const proxy = wanted ? byNamespace.get(wanted.toLowerCase()) : undefined
      if (proxy) return { repository: proxy, image: name, by: 'namespace' }
      return { repository: fallback, image: name, by: 'default' }
    },
    named: (name) => byName.get(name),
    boundTo(name) {
      const repository = byName.get(name)
      if (!repository) throw new AppError('internal', `connectors: there is no repository "${name}"`)
      const reach = reachOf(repository, byName)
      const bound: Repositories = {
        all: () => [repository],
        default: repository,
        locate: (image) => ({ repository, image, by: 'connector' }),
        named: (other) => (reach.has(other) ? byName.get(other) : undefined),
        boundTo: () => bound,
      }
      return bound
    },
  }
}

/** The names of a repository and, of a group, of all that is in it. */
function reachOf(repository: Repository, byName: ReadonlyMap<string, Repository>, reach = new Set<string>()) {
  if (reach.has(repository.name)) return reach
  reach.add(repository.name)
  if (repository.type !== 'group') return reach
  for (const member of repository.members) {
    const found = byName.get(member.repository)
    if (found) reachOf(found, byName, reach)
  }
  return reach
}

function fromRow(row: RepositoryRow, kind: RepositoryKind = { type: 'hosted' }): Repository {
  const common = { id: row.id, name: row.name, store: row.blob_store, writePolicy: row.write_policy }
  if (kind.type === 'proxy') return { ...common, type: 'proxy', upstream: kind.upstream }
  if (kind.type === 'hosted') return { ...common, type: 'hosted' }
  return { ...common, type: 'group', members: kind.members, writableMember: kind.writableMember }
}
