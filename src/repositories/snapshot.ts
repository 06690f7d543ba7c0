import { namespacesOf } from '../upstream/names.ts'
import { kindOf } from './declaration.ts'
import type { RepositoryRecord } from './record.ts'
import type { Repository } from './repositories.ts'

/** All repositories at one moment. */
export interface Snapshot {
  byName: ReadonlyMap<string, Repository>
  /** The proxy that stands for a registry, by what clients say in `?ns=`. */
  byNamespace: ReadonlyMap<string, Repository>
  /** Whether any of them is used from some addresses only. */
  looksAtAddresses: boolean
  /** What each repository was made of: while it is the same, so is the object. */
  made: ReadonlyMap<string, { repository: Repository; of: string }>
}

export const nothing: Snapshot = { byName: new Map(), byNamespace: new Map(), looksAtAddresses: false, made: new Map() }

/**
 * The repositories of these records. What has not changed since `before` is the same object: tokens, memories and caches hang on it. A group changes with
 * everything that is in it.
 */
export function createSnapshot(records: RepositoryRecord[], before: Snapshot = nothing): Snapshot {
  const byRecord = new Map(records.map((record) => [record.row.name, record]))
  const made = new Map<string, { repository: Repository; of: string }>()

  /** Undefined: there is none, or it is in itself. */
  function make(name: string, way: readonly string[]): Repository | undefined {
    const known = made.get(name)
    if (known) return known.repository
    const record = byRecord.get(name)
    if (!record || way.includes(name)) return undefined
    const { members } = record.config
    const isGroup = record.row.type === 'group'
    const inner = isGroup ? members.map((member) => make(member.repository, [...way, name])) : []
    const source = record.config.writableMember ?? members?.[0]?.repository
    // A group keeps nothing; what is pushed to it lies with its writable member.
    const store = (isGroup && inner.find((one) => one?.name === source)?.store) || record.row.blob_store
    const { id, type, online, write_policy } = record.row
    const of = JSON.stringify([id, type, store, online, write_policy, record.config, record.trouble])
    const old = before.made.get(name)
    const isSame = old?.of === of && inner.every((one) => !one || before.byName.get(one.name) === one)
    const repository = isSame ? old.repository : fromRecord(record, store)
    made.set(name, { repository, of })
    return repository
  }

  const byName = new Map<string, Repository>()
  for (const { row } of records) {
    const repository = make(row.name, [])
    if (repository) byName.set(row.name, repository)
  }
  const byNamespace = new Map<string, Repository>()
  for (const repository of byName.values()) {
    if (repository.type !== 'proxy') continue
    const { url, namespaces } = repository.upstream
    // Of several for one registry, the first by name.
    for (const one of namespacesOf(new URL(url), namespaces))
      if (!byNamespace.has(one)) byNamespace.set(one, repository)
  }
  const looksAtAddresses = [...byName.values()].some(({ allowFrom }) => allowFrom !== undefined)
  return { byName, byNamespace, looksAtAddresses, made }
}

function fromRecord({ row, config, trouble }: RepositoryRecord, store: string): Repository {
  const { mutableTags = [], allowFrom = [], quota } = config
  const offline = row.online === 0 ? 'it is switched off' : trouble
  const common = {
    id: row.id,
    name: row.name,
    store,
    writePolicy: row.write_policy,
    ...(mutableTags.length > 0 && { mutableTags }),
    ...(allowFrom.length > 0 && { allowFrom }),
    ...(quota && (quota.bytes !== undefined || quota.tags !== undefined) && { quota }),
    ...(offline !== undefined && { offline }),
  }
  return { ...common, ...kindOf(config) }
}
