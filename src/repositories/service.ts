import { createHash } from 'node:crypto'
import type { Config, RepositoryConfig } from '../config/config.ts'
import { type JsonObject, mergeForm } from '../config/form.ts'
import { mapRepositorySecrets, type RepositoryForm } from '../config/repository-form.ts'
import type { ContentParts } from '../content/content.ts'
import { type MoveOptions, type MoveProgress, moveContent } from '../content/move.ts'
import type { Queries } from '../database/database.ts'
import {
  changeRepository,
  hasImages,
  holdRepository,
  listRepositories,
  putRepository,
  type RepositoryRow,
  repositoriesChanged,
} from '../database/repositories.ts'
import { type Usage, usageOf } from '../database/usage.ts'
import { AppError } from '../errors.ts'
import type { Actor, AppEvent, Tell } from '../events/event.ts'
import type { Secrets } from '../secrets/secrets.ts'
import { withAuthorities } from './declaration.ts'
import { columnsOf, opened, recordOf } from './record.ts'
import { removeRepository } from './remove.ts'
import { checkedRepository, whoNeeds } from './rules.ts'

/** A repository for people: what the file would say of it, without secrets. */
export interface RepositoryView {
  name: string
  type: RepositoryRow['type']
  /** `file`: only a change of the file, at the next start, changes it. */
  managedBy: RepositoryRow['managed_by']
  online: boolean
  /** Why it answers nothing although it is online. */
  trouble: string | undefined
  /** Milliseconds since 1970. */
  createdAt: number
  /** In the words of the file, what is a default left out; secrets are `***`. */
  settings: RepositoryForm
  /** Another one after each change. */
  version: string
}

/** What a change relies on. Another `version` than the one there is now: `changed-meanwhile`, and nothing is changed. */
export interface ChangeOptions {
  version?: string | undefined
}

export interface ServiceParts extends ContentParts {
  secrets: Secrets
  config: Pick<Config, 'repositories' | 'defaultRepository' | 'connectors' | 'blobStores'>
  /** Called after each change, for those who keep repositories in memory. */
  refresh(): Promise<void>
  /** Hears of each change, in the name of `actor`. */
  tell: Tell
  /** Who asks for the changes. */
  actor: Actor
}

/**
 * Creates, changes and removes repositories, in the words of the file; changes take effect in this process at once, in others within five seconds. What is wrong is
 * thrown as `request-invalid`, what may not be done as `policy-refused`; both name the field or the reason, and the fix.
 */
export interface RepositoryService {
  /** By name. */
  list(): Promise<RepositoryView[]>
  get(name: string): Promise<RepositoryView | undefined>
  create(form: JsonObject): Promise<RepositoryView>
  /** What is null goes back to its default; lists are replaced whole; a secret given as it was shown stays (RFC 7396). */
  update(name: string, changes: JsonObject, options?: ChangeOptions): Promise<RepositoryView>
  /** Makes it what the form says, whatever it was; creates it where there is none. A secret given as it was shown stays. */
  put(name: string, form: JsonObject, options?: ChangeOptions): Promise<{ view: RepositoryView; isNew: boolean }>
  setOnline(name: string, online: boolean): Promise<RepositoryView>
  /** With content: broken off, the repository is offline and holds what is left; call it again. */
  remove(name: string, options?: { withContent?: boolean } & ChangeOptions): Promise<void>
  /** See `moveContent`. Resolves at once when it is there already. */
  move(name: string, store: string, options?: Omit<MoveOptions, 'onSwitch'>): Promise<MoveProgress>
  usageOf(name: string): Promise<Usage>
}

export function createRepositoryService(parts: ServiceParts): RepositoryService {
  const { db, secrets, config, now, refresh, actor } = parts
  const stores = Object.keys(config.blobStores)

  const viewOf = (row: RepositoryRow): RepositoryView => {
    const { form, trouble } = opened(row, secrets)
    return {
      name: row.name,
      type: row.type,
      managedBy: isDeclared(row) ? 'file' : 'database',
      online: row.online !== 0,
      trouble,
      createdAt: row.created_at,
      settings: mapRepositorySecrets(form, ({ masked }) => masked),
      version: versionOf(row),
    }
  }

  const isDeclared = ({ name, managed_by }: RepositoryRow) =>
    managed_by === 'file' || config.repositories.some((declared) => declared.name === name)

  /** What the others are, declared ones as the file has them. */
  function configsOf(rows: RepositoryRow[]): RepositoryConfig[] {
    const declared = new Set(config.repositories.map(({ name }) => name))
    const kept = rows.filter(({ name }) => !declared.has(name)).flatMap((row) => recordOf(row, secrets)?.config ?? [])
    return [...config.repositories, ...kept]
  }

  async function rowNamed(queries: Queries, name: string): Promise<RepositoryRow> {
    const row = await holdRepository(queries, name)
    if (row) return row
    const known = (await listRepositories({ queries })).map((one) => one.name).join(', ')
    throw new AppError('request-invalid', `there is no repository ${name}; there are: ${known || 'none'}`)
  }

  function assertOurs(row: RepositoryRow): void {
    if (!isDeclared(row)) return
    throw new AppError(
      'policy-refused',
      `repository ${row.name} is declared in the configuration file: change it there, and restart the server`,
    )
  }

  function tell(verb: string, repository: string, detail: AppEvent['detail'] = {}): void {
    parts.tell({ action: `repository.${verb}`, result: 'done', actor, repository, object: repository, detail })
  }

  /** One transaction, in which everybody is told that something has changed. */
  async function changing<T>(verb: string, name: string, work: (tx: Queries) => Promise<T>): Promise<T> {
    const result = await db.transaction(async (tx) => {
      const done = await work(tx)
      await repositoriesChanged(tx)
      return done
    })
    await refresh()
    tell(verb, name)
    return result
  }

  async function createIn(tx: Queries, form: JsonObject): Promise<RepositoryView> {
    const rows = await listRepositories({ queries: tx })
    const others = configsOf(rows)
    const repository = checkedRepository(form, others, stores)
    const { name } = repository
    if (others.some((one) => one.name === name) || rows.some((one) => one.name === name))
      throw new AppError('request-invalid', `name "${name}" is the name of a repository already: choose another`)
    const columns = columnsOf(withAuthorities(repository), secrets)
    await putRepository(tx, { ...columns, managed_by: 'database', created_at: now() })
    return viewOf(await rowNamed(tx, name))
  }

  async function changeIn(
    tx: Queries,
    row: RepositoryRow,
    change: (before: RepositoryForm) => JsonObject,
  ): Promise<RepositoryView> {
    assertOurs(row)
    const { form: before } = opened(row, secrets)
    const form = keepSecrets(before, change(before))
    refuseFixed(before, form)
    mapRepositorySecrets(form, ({ text, path }) => {
      if (text === '') throw new AppError('request-invalid', `${path} cannot be opened any more: set it again`)
      return text
    })
    const others = configsOf(await listRepositories({ queries: tx })).filter((one) => one.name !== row.name)
    const repository = checkedRepository(form, others, stores)
    await changeRepository(tx, row.id, columnsOf(withAuthorities(repository), secrets))
    return viewOf(await rowNamed(tx, row.name))
  }

  return {
    async list() {
      return (await listRepositories(db)).map(viewOf)
    },

    async get(name) {
      const row = (await listRepositories(db)).find((one) => one.name === name)
      return row && viewOf(row)
    },

    create: (form) => changing('create', String(form['name']), (tx) => createIn(tx, form)),

    update: (name, changes, { version } = {}) =>
      changing('update', name, async (tx) => {
        const row = await rowNamed(tx, name)
        assertVersion(row, version)
        return changeIn(tx, row, (before) => mergeForm(before, changes))
      }),

    async put(name, form, { version } = {}) {
      const isThere = (await listRepositories(db)).some((one) => one.name === name)
      const view = await changing(isThere ? 'update' : 'create', name, async (tx) => {
        const row = await holdRepository(tx, name)
        if (!row && version === undefined) return createIn(tx, { ...form, name })
        const held = row ?? (await rowNamed(tx, name))
        assertVersion(held, version)
        return changeIn(tx, held, () => ({ ...form, name }))
      })
      return { view, isNew: !isThere }
    },

    setOnline: (name, online) =>
      changing(online ? 'online' : 'offline', name, async (tx) => {
        const row = await rowNamed(tx, name)
        assertOurs(row)
        await changeRepository(tx, row.id, { online: online ? 1 : 0 })
        return viewOf({ ...row, online: online ? 1 : 0 })
      }),

    async remove(name, { withContent = false, version } = {}) {
      const row = await changing('remove', name, async (tx) => {
        const found = await rowNamed(tx, name)
        assertVersion(found, version)
        assertOurs(found)
        const all = configsOf(await listRepositories({ queries: tx }))
        const connectors = config.connectors.map(({ repository }) => repository)
        const needed = whoNeeds(name, { all, defaultRepository: config.defaultRepository, connectors })
        if (needed) throw new AppError('policy-refused', `repository ${name} cannot be removed: ${needed}`)
        if (!withContent && (await hasImages(tx, found.id))) throw await notEmpty(tx, found)
        // Nothing is added to it from here on, by whoever has heard of it.
        await changeRepository(tx, found.id, { online: 0 })
        return found
      })
      await removeRepository(parts, row)
      await refresh()
    },

    async move(name, to, options = {}) {
      const row = await rowNamed(db.queries, name)
      if (row.type === 'group')
        throw new AppError('request-invalid', `repository ${name} is a group, which keeps nothing: move its members`)
      if (!stores.includes(to))
        throw new AppError('request-invalid', `there is no blob store ${to}; there are: ${stores.join(', ')}`)
      if (row.blob_store === to) return { blobs: 0, bytes: 0, blobsInAll: 0, bytesInAll: 0 }
      const move = { repositoryId: row.id, from: row.blob_store, to }
      const moved = await moveContent(parts, move, { ...options, onSwitch: repositoriesChanged })
      await refresh()
      tell('move', name, { from: move.from, to, blobs: moved.blobs, bytes: moved.bytes })
      return moved
    },

    async usageOf(name) {
      return usageOf(db.queries, (await rowNamed(db.queries, name)).id)
    },
  }
}

/** The row as a whole, sealed secrets included. */
function versionOf(row: RepositoryRow): string {
  return createHash('sha256').update(JSON.stringify(row)).digest('base64url').slice(0, 22)
}

function assertVersion(row: RepositoryRow, version: string | undefined): void {
  if (version === undefined || version === versionOf(row)) return
  throw new AppError('changed-meanwhile', `repository ${row.name} has changed since it was read: read it again`)
}

/** A secret that comes back as it was shown means the one there is. */
function keepSecrets(before: RepositoryForm, form: JsonObject): RepositoryForm {
  const known = new Map<string, { text: string; masked: string }>()
  mapRepositorySecrets(before, ({ text, path, masked, hasSecret }) => {
    if (hasSecret) known.set(path, { text, masked })
    return text
  })
  const kept = mapRepositorySecrets(form, ({ text, path }) =>
    known.get(path)?.masked === text ? known.get(path)!.text : text,
  )
  return kept as RepositoryForm
}

/** What other rows and other people rely on. */
function refuseFixed(before: RepositoryForm, after: RepositoryForm): void {
  const another = 'create another repository'
  const fixed: [key: string, usual: string, fix: string][] = [
    ['name', '', another],
    ['format', 'docker', another],
    ['type', 'hosted', another],
    ['blobStore', 'default', `entrepot repo move ${before.name} --to STORE`],
  ]
  for (const [key, usual, fix] of fixed) {
    if ((before[key] ?? usual) === (after[key] ?? usual)) continue
    throw new AppError('request-invalid', `${key} of repository ${before.name} cannot be changed like this: ${fix}`)
  }
}

async function notEmpty(tx: Queries, { id, name }: RepositoryRow): Promise<AppError> {
  const { images, bytes } = await usageOf(tx, id)
  return new AppError(
    'policy-refused',
    `repository ${name} is not empty: it has ${images} images and ${bytes} bytes. Ask for their removal, too (--with-content), or delete them first`,
    { detail: { images, bytes } },
  )
}
