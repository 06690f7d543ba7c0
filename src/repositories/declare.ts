import type { RepositoryConfig } from '../config/config.ts'
import type { Database, Queries } from '../database/database.ts'
import {
  changeRepository,
  hasImages,
  listRepositories,
  putRepository,
  type RepositoryRow,
  repositoriesChanged,
} from '../database/repositories.ts'
import { AppError } from '../errors.ts'
import type { Secrets } from '../secrets/secrets.ts'
import type { Log } from '../telemetry/log.ts'
import { withAuthorities } from './declaration.ts'
import { columnsOf, isSame } from './record.ts'

export interface DeclareParts {
  db: Database
  secrets: Secrets
  now: () => number
  log: Pick<Log, 'warn' | 'info'>
}

/**
 * Brings the rows of the database to what the file declares; changes nothing that is so already. With `release`, what the file does not declare any more goes on
 * from the database, to be changed there. Throws `request-invalid` when a repository with content would change its type.
 */
export async function declareRepositories(
  { db, secrets, now, log }: DeclareParts,
  declared: readonly RepositoryConfig[],
  { release = false } = {},
): Promise<void> {
  const wanted = declared.map(withAuthorities)
  const said: (() => void)[] = []
  await db.transaction(async (tx) => {
    // The transaction may run twice.
    said.length = 0
    const rows = await listRepositories({ queries: tx })
    let isChanged = false
    for (const config of wanted) {
      const row = rows.find(({ name }) => name === config.name)
      const kept = row ? await keptOf(tx, row, config) : config
      if (kept.blobStore !== config.blobStore) said.push(() => log.warn(...storeStays(kept, config)))
      if (row?.managed_by === 'file' && isSame(row, kept, secrets)) continue
      isChanged = true
      await putRepository(tx, { ...columnsOf(kept, secrets), managed_by: 'file', created_at: now() })
    }
    for (const row of release ? rows : []) {
      if (row.managed_by !== 'file' || wanted.some(({ name }) => name === row.name)) continue
      isChanged = true
      await changeRepository(tx, row.id, { managed_by: 'database' })
      said.push(() =>
        log.warn(`repository ${row.name} is not declared in the file any more: it goes on as it was`, {
          type: row.type,
          fix: `change it with entrepot repo, or remove it: entrepot repo remove ${row.name}`,
        }),
      )
    }
    if (isChanged) await repositoriesChanged(tx)
  })
  for (const say of said) say()
}

/** What is declared, with the store that the content is in: changing a line of the file moves no bytes. */
async function keptOf(tx: Queries, row: RepositoryRow, config: RepositoryConfig): Promise<RepositoryConfig> {
  const { name, type, blobStore } = config
  if ((row.type === type && row.blob_store === blobStore) || !(await hasImages(tx, row.id))) return config
  if (row.type !== type) {
    throw new AppError(
      'request-invalid',
      `repository ${name} is ${row.type} and has content: it cannot become ${type}. Declare another name, or remove it first: entrepot repo remove ${name} --with-content`,
    )
  }
  return { ...config, blobStore: row.blob_store }
}

function storeStays(kept: RepositoryConfig, { blobStore }: RepositoryConfig): [string, Record<string, string>] {
  return [
    `the content of repository ${kept.name} is in blob store ${kept.blobStore}, not in ${blobStore} as the file says`,
    { fix: `entrepot repo move ${kept.name} --to ${blobStore}, or write blobStore: ${kept.blobStore}` },
  ]
}
