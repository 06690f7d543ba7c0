import type { Database } from '../database/database.ts'
import { listRepositories, putRepository, type RepositoryRow } from '../database/repositories.ts'
import { AppError } from '../errors.ts'
import type { UpstreamSettings } from '../upstream/settings.ts'

export type WritePolicy = RepositoryRow['write_policy']

/** Where the content of a repository comes from, with what that needs. */
export type RepositoryKind =
  | { type: 'hosted' }
  | { type: 'proxy'; upstream: ProxySettings }
  | {
      type: 'group'
      /** Names, asked in this order. */
      members: readonly string[]
      /** The hosted member that pushes go to; undefined: nothing can be pushed. */
      writableMember: string | undefined
    }

/** What a proxy repository needs besides its cache. All times in milliseconds. */
export interface ProxySettings extends Omit<UpstreamSettings, 'name'> {
  /** How long a tag is answered from the cache before the upstream is asked whether it has moved. */
  tagAgeMs: number
  /** How long "not there" is believed. */
  absenceAgeMs: number
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
}

export interface Repositories {
  /** In the order of their names. */
  all(): Repository[]
  readonly default: Repository
  /** Which repository a name in a request means: its first segment, when that names one; else the default repository. */
  locate(name: string): Located
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
  const rows = await listRepositories(db)
  const kinds = new Map(declared.map((declaration) => [declaration.name, declaration]))
  // A proxy or a group that is declared no longer has nothing to say where its content comes from; its row and its cache wait.
  const served = rows.filter(({ name, type }) => kinds.has(name) || type === 'hosted')
  const byName = new Map(served.map((row) => [row.name, fromRow(row, kinds.get(row.name))]))
  const fallback = byName.get(defaultName)
  if (!fallback) throw new AppError('internal', `defaultRepository: there is no repository "${defaultName}"`)

  return {
    all: () => [...byName.values()],
    default: fallback,
    locate(name) {
      const slash = name.indexOf('/')
      const named = slash > 0 ? byName.get(name.slice(0, slash)) : undefined
      return named ? { repository: named, image: name.slice(slash + 1) } : { repository: fallback, image: name }
    },
  }
}

function fromRow(row: RepositoryRow, kind: RepositoryKind = { type: 'hosted' }): Repository {
  const common = { id: row.id, name: row.name, store: row.blob_store, writePolicy: row.write_policy }
  if (kind.type === 'proxy') return { ...common, type: 'proxy', upstream: kind.upstream }
  if (kind.type === 'hosted') return { ...common, type: 'hosted' }
  return { ...common, type: 'group', members: kind.members, writableMember: kind.writableMember }
}
