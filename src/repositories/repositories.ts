import type { Database } from '../database/database.ts'
import { listRepositories, putRepository, type RepositoryRow } from '../database/repositories.ts'
import { AppError } from '../errors.ts'

export type WritePolicy = RepositoryRow['write_policy']

/** A named store of one format. What it is called in an address is told in design terms: `host/<repository>/<image>`, or just `host/<image>`. */
export interface Repository {
  id: number
  name: string
  /** Name of the blob store its content is kept in. */
  store: string
  writePolicy: WritePolicy
}

/** A repository as the configuration file declares it. */
export interface RepositoryDeclaration {
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
    for (const { name, blobStore, writePolicy, description } of declared) {
      await putRepository(tx, {
        name,
        format: 'docker',
        type: 'hosted',
        blob_store: blobStore,
        write_policy: writePolicy,
        description,
        managed_by: 'file',
        created_at: now(),
      })
    }
  })
  const rows = await listRepositories(db)
  const byName = new Map(rows.map((row) => [row.name, fromRow(row)]))
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

function fromRow(row: RepositoryRow): Repository {
  return { id: row.id, name: row.name, store: row.blob_store, writePolicy: row.write_policy }
}
