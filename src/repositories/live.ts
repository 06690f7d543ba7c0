import type { Config, RepositoryConfig } from '../config/config.ts'
import type { Database } from '../database/database.ts'
import { listRepositories, type RepositoryRow, repositoriesVersion } from '../database/repositories.ts'
import type { Secrets } from '../secrets/secrets.ts'
import type { Log } from '../telemetry/log.ts'
import { withAuthorities } from './declaration.ts'
import { type DeclareParts, declareRepositories } from './declare.ts'
import { columnsOf, type RepositoryRecord, recordOf } from './record.ts'
import { createRepositories, type Repositories } from './repositories.ts'
import { createSnapshot, nothing, type Snapshot } from './snapshot.ts'

export interface LiveParts {
  db: Pick<Database, 'queries'>
  secrets: Secrets
  /** Of the file: used for secrets that this process cannot open. */
  declared: readonly RepositoryConfig[]
  defaultRepository: string
  log: Pick<Log, 'warn'>
}

export interface LiveRepositories extends Repositories {
  /** Reads the repositories again, if any has changed since they were read last. */
  refresh(): Promise<void>
}

/** How often a process asks whether another one has changed a repository. The document says 5 seconds: twice this and some. */
const everyMs = 2_000

/** What a start does: brings the database to what the file declares, then loads all. Throws what `declareRepositories` and `loadRepositories` throw. */
export async function openRepositories(
  parts: DeclareParts,
  { repositories: declared, defaultRepository }: Pick<Config, 'repositories' | 'defaultRepository'>,
): Promise<LiveRepositories> {
  await declareRepositories(parts, declared, { release: true })
  return loadRepositories({ ...parts, declared, defaultRepository })
}

/** The repositories of the database, kept up to date by `refresh`. Throws `internal` when the default one is not among them. */
export async function loadRepositories(parts: LiveParts): Promise<LiveRepositories> {
  const { db, log } = parts
  let snapshot: Snapshot = nothing
  let version: string | undefined | 'never' = 'never'
  const told = new Map<string, string>()
  let running: Promise<void> | undefined

  async function load(): Promise<void> {
    // The version first: what changes after that is seen next time.
    const next = await repositoriesVersion(db.queries)
    if (next === version) return
    const records = recordsOf(await listRepositories(db), parts, (name, trouble) => {
      if (told.get(name) !== trouble) log.warn(trouble, { repository: name })
      told.set(name, trouble)
    })
    snapshot = createSnapshot(records, snapshot)
    version = next
  }

  /** One at a time; who comes while one runs cannot know whether it has seen their change. */
  async function refresh(): Promise<void> {
    const before = running
    const own = (async () => {
      await before?.catch(() => undefined)
      await load()
    })()
    running = own
    await own
  }

  await load()
  const repositories = createRepositories(() => snapshot, parts.defaultRepository)
  return Object.defineProperties({ refresh } as LiveRepositories, Object.getOwnPropertyDescriptors(repositories))
}

/** Asks again and again whether another process has changed a repository. */
export function watchRepositories({ refresh }: LiveRepositories, log: Pick<Log, 'warn'>, ms = everyMs) {
  let isClosed = false
  let wasWell = true
  let running = Promise.resolve()
  let timer: NodeJS.Timeout

  async function look(): Promise<void> {
    try {
      await refresh()
      wasWell = true
    } catch (error) {
      if (wasWell) log.warn('repositories could not be read again; those read last are served', { error })
      wasWell = false
    }
    if (!isClosed) plan()
  }

  function plan(): void {
    timer = setTimeout(() => {
      running = look()
    }, ms)
  }

  plan()
  return {
    async close() {
      isClosed = true
      clearTimeout(timer)
      await running
    },
  }
}

/** What the rows say, as far as they can be served; of the others, `onTrouble` hears why. */
export function recordsOf(
  rows: RepositoryRow[],
  { secrets, declared }: Pick<LiveParts, 'secrets' | 'declared'>,
  onTrouble: (name: string, trouble: string) => void = () => {},
): RepositoryRecord[] {
  return rows.flatMap((row) => {
    const record = recordOf(row, secrets)
    if (!record) {
      onTrouble(
        row.name,
        `nothing is known of where the content of repository ${row.name} comes from: declare it again`,
      )
      return []
    }
    const own =
      record.trouble !== undefined && row.managed_by === 'file' && declared.find(({ name }) => name === row.name)
    if (own) return [{ row, config: { ...withAuthorities(own), blobStore: row.blob_store }, trouble: undefined }]
    if (record.trouble !== undefined) onTrouble(row.name, `repository ${row.name} is offline: ${record.trouble}`)
    return [record]
  })
}

/** The repositories as a start with this file would make them; changes nothing. What has no row yet has the id -1. */
export function previewRepositories(
  rows: RepositoryRow[],
  parts: Pick<LiveParts, 'secrets' | 'declared' | 'defaultRepository'>,
): Repositories {
  const unsealed = { seal: (text: string) => text }
  const preview = parts.declared.map(withAuthorities).map((config): RepositoryRow => {
    const row = rows.find(({ name }) => name === config.name)
    const { id = -1, created_at = 0, blob_store = config.blobStore } = row ?? {}
    return { ...columnsOf(config, unsealed), id, created_at, blob_store, managed_by: 'file' }
  })
  const others = rows.filter(({ name }) => !preview.some((row) => row.name === name))
  const all = [...others, ...preview].sort((one, other) => (one.name < other.name ? -1 : 1))
  const snapshot = createSnapshot(recordsOf(all, parts))
  return createRepositories(() => snapshot, parts.defaultRepository)
}
