import type { RepositoryRow } from '../database/repositories.ts'
import { AppError } from '../errors.ts'
import type { UpstreamSettings } from '../upstream/settings.ts'
import type { Snapshot } from './snapshot.ts'

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

/** A named store of one format, addressed as `host/<repository>/<image>`, or, where it is the default, as `host/<image>`. Never changes: see `Repositories`. */
export type Repository = RepositoryKind & {
  id: number
  name: string
  /** Name of the blob store its content is kept in; of a group: that of its writable member, else of its first. */
  store: string
  writePolicy: WritePolicy
  /** Patterns of tags that `allow-once` lets move. */
  mutableTags?: readonly string[] | undefined
  /** The most that may be in it; of a hosted one. */
  quota?: Quota | undefined
  /** Networks that it is used from; undefined: from everywhere. */
  allowFrom?: readonly string[] | undefined
  /** Set while it answers nothing: why, for those who run the registry. */
  offline?: string | undefined
}

export interface Quota {
  bytes: number | undefined
  tags: number | undefined
}

export interface Located {
  repository: Repository
  /** What is left of the name once the repository is known. */
  image: string
  /** What decided it. */
  by: 'connector' | 'path' | 'namespace' | 'default'
}

/**
 * The repositories as they are now. One that is changed, by this process or another, becomes another object; one that is not stays the same, and so do groups that
 * nothing has changed in.
 */
export interface Repositories {
  /** In the order of their names. */
  all(): Repository[]
  readonly default: Repository
  /** Whether any of them is used from some addresses only. */
  readonly looksAtAddresses: boolean
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

/** Repositories that are looked up in whatever `current` says at that moment. Throws `internal` when the default repository is not among them. */
export function createRepositories(current: () => Snapshot, defaultName: string): Repositories {
  const namedOr = (name: string, setting: string): Repository => {
    const repository = current().byName.get(name)
    if (repository) return repository
    throw new AppError('internal', `${setting}: there is no repository "${name}"`)
  }
  namedOr(defaultName, 'defaultRepository')
  return {
    all: () => [...current().byName.values()],
    get default() {
      return namedOr(defaultName, 'defaultRepository')
    },
    locate(name, namespace) {
      const { byName, byNamespace } = current()
      const slash = name.indexOf('/')
      const first = slash > 0 ? byName.get(name.slice(0, slash)) : undefined
      if (first) return { repository: first, image: name.slice(slash + 1), by: 'path' }
      const wanted = byNamespace.size > 0 ? namespace?.() : undefined
      const proxy = wanted ? byNamespace.get(wanted.toLowerCase()) : undefined
      if (proxy) return { repository: proxy, image: name, by: 'namespace' }
      return { repository: namedOr(defaultName, 'defaultRepository'), image: name, by: 'default' }
    },
    named: (name) => current().byName.get(name),
    get looksAtAddresses() {
      return current().looksAtAddresses
    },
    boundTo(name) {
      const repository = () => namedOr(name, 'connectors')
      repository()
      const bound: Repositories = {
        all: () => [repository()],
        get default() {
          return repository()
        },
        get looksAtAddresses() {
          return current().looksAtAddresses
        },
        locate: (image) => ({ repository: repository(), image, by: 'connector' }),
        named: (other) =>
          reachOf(repository(), current().byName).has(other) ? current().byName.get(other) : undefined,
        boundTo: () => bound,
      }
      return bound
    },
  }
}

/** What clients are told: why it is offline is for those who run the registry. */
export function offlineRepository({ name }: Repository): AppError {
  return new AppError(
    'repository-offline',
    `repository ${name} is offline: try again later, or ask who runs this registry`,
  )
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

/** Where pushes through a group land; undefined for what is no group, or one that takes none. */
export function writableMemberOf(repositories: Pick<Repositories, 'named'>, name: string): string | undefined {
  const repository = repositories.named(name)
  return repository?.type === 'group' ? repository.writableMember : undefined
}
