import type { Insertable } from 'kysely'
import type { RepositoryConfig } from '../config/config.ts'
import type { Json, JsonObject } from '../config/form.ts'
import { problemLine } from '../config/problems.ts'
import {
  formOfRepository,
  mapRepositorySecrets,
  type RepositoryForm,
  readRepository,
} from '../config/repository-form.ts'
import type { RepositoryRow } from '../database/repositories.ts'
import type { RepositoryTable } from '../database/schema.ts'
import { AppError } from '../errors.ts'
import type { Secrets } from '../secrets/secrets.ts'

/** The columns of a repository that its configuration decides. */
export type RepositoryColumns = Omit<Insertable<RepositoryTable>, 'id' | 'created_at' | 'managed_by'> & {
  online: number
  settings: string
}

/** A row as it would be in the file. */
export interface RepositoryRecord {
  row: RepositoryRow
  /** Secrets are open where they could be opened, and left out where not. */
  config: RepositoryConfig
  /** Why it cannot be served as it is; undefined when it can. */
  trouble: string | undefined
}

/** The row of a repository; secrets are sealed. */
export function columnsOf(config: RepositoryConfig, secrets: Pick<Secrets, 'seal'>): RepositoryColumns {
  const { name, format, type, online, blobStore, writePolicy, description } = config
  const seal = mapRepositorySecrets(formOfRepository(config), ({ text, hasSecret }) =>
    hasSecret ? secrets.seal(text) : text,
  )
  return {
    name,
    format,
    type,
    blob_store: blobStore,
    write_policy: writePolicy,
    description: description ?? '',
    online: online ? 1 : 0,
    settings: JSON.stringify(withoutColumns(seal)),
  }
}

/** What a row says. Never throws: what cannot be read is `trouble`. Undefined: nothing is known of where its content comes from. */
export function recordOf(
  row: RepositoryRow,
  secrets: Pick<Secrets, 'open' | 'isSealed'>,
): RepositoryRecord | undefined {
  const { form, trouble } = opened(row, secrets)
  const { repository: config, problems } = readRepository(form, `repository ${row.name}`)
  const isKnown = row.type === 'hosted' || (row.type === 'proxy' ? config?.upstream?.url : config?.members?.length > 0)
  if (!isKnown) return undefined
  const [first] = problems.map((problem) => problemLine(problem))
  return { row, config, trouble: trouble ?? first }
}

/** The row in the words of the file, secrets included as far as they can be opened. */
export function opened(row: RepositoryRow, secrets: Pick<Secrets, 'open' | 'isSealed'>) {
  let trouble: string | undefined
  const settings = parse(row.settings)
  if (!settings) trouble = `the settings of repository ${row.name} in the database are damaged: restore a backup`
  const stored: RepositoryForm = { ...columnForm(row), ...withoutColumns(settings ?? {}) }
  const form = mapRepositorySecrets(stored, ({ text, path }) => {
    if (!secrets.isSealed(text)) return text
    try {
      return secrets.open(text)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      trouble ??= `${path} of repository ${row.name} cannot be opened: ${error.message}`
      return ''
    }
  })
  return { form, trouble }
}

/** Whether two rows are the same repository with the same settings, however often its secrets were sealed anew. */
export function isSame(row: RepositoryRow, config: RepositoryConfig, secrets: Secrets): boolean {
  const { form, trouble } = opened(row, secrets)
  if (trouble !== undefined || !isSealedNow(row, secrets)) return false
  return JSON.stringify(sorted(form)) === JSON.stringify(sorted(formOfRepository(config)))
}

/** Whether all secrets of a row are sealed with the key that is used now. */
export function isSealedNow(row: RepositoryRow, secrets: Secrets): boolean {
  let isCurrent = true
  mapRepositorySecrets(parse(row.settings) ?? {}, ({ text }) => {
    if (secrets.isSealed(text) && !secrets.isCurrent(text)) isCurrent = false
    return text
  })
  return isCurrent
}

/** Settings with every secret sealed anew. Throws what `open` throws. */
export function resealed(row: RepositoryRow, secrets: Secrets): string {
  const settings = parse(row.settings)
  if (!settings) return row.settings
  const form = mapRepositorySecrets(settings, ({ text }) =>
    secrets.isSealed(text) ? secrets.seal(secrets.open(text)) : text,
  )
  return JSON.stringify(form)
}

function parse(settings: string): JsonObject | undefined {
  try {
    return JSON.parse(settings) as JsonObject
  } catch {
    return undefined
  }
}

const inColumns = ['name', 'format', 'type', 'online', 'blobStore', 'writePolicy', 'description']

function withoutColumns(form: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(form).filter(([key]) => !inColumns.includes(key)))
}

/** As `toForm` would say it: without what is a default. */
function columnForm(row: RepositoryRow): RepositoryForm {
  return {
    name: row.name,
    ...(row.type !== 'hosted' && { type: row.type }),
    ...(row.online === 0 && { online: false }),
    ...(row.blob_store !== 'default' && { blobStore: row.blob_store }),
    ...(row.write_policy !== 'allow' && { writePolicy: row.write_policy }),
    ...(row.description !== '' && { description: row.description }),
  }
}

function sorted(json: Json): Json {
  if (Array.isArray(json)) return json.map(sorted)
  if (typeof json !== 'object' || json === null) return json
  const entries = Object.entries(json).sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(entries.map(([key, value]) => [key, sorted(value)]))
}
