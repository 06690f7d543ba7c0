import { existsSync } from 'node:fs'
import { createClosers } from '../closers.ts'
import type { Config } from '../config/config.ts'
import { openDatabase } from '../database/database.ts'
import { listRepositories, type RepositoryRow } from '../database/repositories.ts'
import { AppError } from '../errors.ts'
import { createManifestFinder } from '../formats/docker/images/manifest-cache.ts'
import { isImageName, parseReference } from '../formats/docker/images/names.ts'
import { placeIn } from '../formats/docker/images/places.ts'
import { declaredRepositories } from '../repositories/declared.ts'
import { type Member, membersOf } from '../repositories/members.ts'
import { createRepositories, type Repositories, type RepositoryDeclaration } from '../repositories/repositories.ts'
import { loadOrExplain } from './configured.ts'
import { connectorAt } from './connector-at.ts'
import type { CommandIo } from './io.ts'
import { written } from './written.ts'

/**
 * `entrepot explain REFERENCE [--ns HOST]`: says which listener, repository and member would answer for an image, and why. Reads configuration and database, and
 * asks no upstream. Returns the exit code: 0, 1 when the reference is none, 2 for a bad configuration.
 */
export async function explain(
  reference: string,
  options: { config?: string | undefined; ns?: string | undefined },
  io: CommandIo,
): Promise<number> {
  const config = loadOrExplain(options, io)
  return config ? explainWith(config, reference, options.ns, io) : 2
}

/** The same for a configuration that was read. */
export async function explainWith(
  config: Config,
  reference: string,
  ns: string | undefined,
  io: Pick<CommandIo, 'out' | 'err'>,
): Promise<number> {
  const closers = createClosers()
  const say = (line: string) => void io.out.write(`${line}\n`)
  try {
    const wanted = parse(reference)
    const path = /^sqlite:(.*)$/.exec(config.database)?.[1]
    const db = path === undefined || existsSync(path) ? closers.add(await openDatabase(config.database)) : undefined
    if (!db) say('database: there is none yet; this is what a first start would do')
    const declared = declaredRepositories(config)
    const rows = withDeclared(db ? await listRepositories(db) : [], declared)
    const all = createRepositories(rows, declared, config.defaultRepository)
    const view = viewFor(config, wanted.host, all, say)
    const { repository, image, by } = view.locate(wanted.name, () => ns ?? null)
    const why = {
      connector: 'the connector leads there',
      path: 'the first segment of the name is a repository',
      namespace: `its upstream stands for ns=${ns}`,
      default: 'it is the default repository, and the name begins with no other one',
    }[by]
    say(`repository: ${repository.name} (${repository.type}), because ${why}`)
    say(`image: ${image}`)
    const members: Member[] =
      repository.type === 'group'
        ? membersOf(repository, all)
        : [{ repository, isAskedFor: () => true, whyNot: () => undefined }]
    const find = db ? createManifestFinder(db) : () => undefined
    let answerer: string | undefined
    for (const member of members) {
      const { name } = member.repository
      const label = repository.type === 'group' ? `  member ${name} (${member.repository.type})` : `  ${name}`
      const reason = member.whyNot(image)
      if (reason !== undefined) {
        say(`${label}: not asked: ${reason}`)
        continue
      }
      const place = placeIn(member.repository, image)
      const kept = await find(place.repositoryId, place.image, wanted.reference)
      const has = kept ? `has it, ${kept.digest}` : 'does not have it'
      if (member.repository.type === 'hosted') {
        if (kept) answerer ??= name
        say(`${label}: ${has}`)
      } else {
        answerer ??= `${name}, if its upstream or its cache has it`
        say(`${label}: cache ${has}; the upstream would be asked for ${member.repository.upstream.url} ${place.image}`)
      }
    }
    say(`answer: ${answerer ?? 'nobody has it'}`)
    if (repository.type === 'group') say(`push: ${repository.writableMember ?? 'refused: writableMember is not set'}`)
    return 0
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    io.err.write(`${error.message}\n`)
    return 1
  } finally {
    await closers.closeAll()
  }
}

/** As clients read it: the first segment is a host when it has a dot or a port, or is `localhost`. */
function parse(text: string) {
  const [, host, rest = ''] = /^(?:((?:localhost|[^/]*[.:][^/]*))\/)?(.*)$/.exec(text) ?? []
  const at = rest.indexOf('@')
  const [, named = rest, tag] = at < 0 ? (/^(.*?)(?::([^/:]*))?$/.exec(rest) ?? []) : []
  const name = at < 0 ? named : rest.slice(0, at).replace(/:[^/:]*$/, '')
  if (!isImageName(name))
    throw new AppError('name-invalid', `"${text}" is no image: write host/name:tag or name@digest`)
  return { host, name, reference: parseReference(at < 0 ? (tag ?? 'latest') : rest.slice(at + 1)) }
}

function viewFor(config: Config, host: string | undefined, all: Repositories, say: (line: string) => void) {
  const port = Number(/:(\d+)$/.exec(host ?? '')?.[1] ?? 0)
  const connector = host === undefined ? undefined : connectorAt(config, { host, port })
  if (connector?.addr) {
    say(`listener: ${written(connector.addr)}, a connector, because of the port`)
    return all.boundTo(connector.repository)
  }
  say(`listener: ${written(config.http.addr)}, the main one${host ? ', because no connector has the port' : ''}`)
  if (!connector) return all
  say(`connector: the host ${connector.host}`)
  return all.boundTo(connector.repository)
}

/** What is declared and was never started with has no row; no row has this id. */
function withDeclared(rows: RepositoryRow[], declared: RepositoryDeclaration[]): RepositoryRow[] {
  const missing = declared.filter(({ name }) => !rows.some((row) => row.name === name))
  const made = missing.map(({ name, type, blobStore, writePolicy, description }) => ({
    id: -1,
    name,
    format: 'docker' as const,
    type,
    blob_store: blobStore,
    write_policy: writePolicy,
    description,
    managed_by: 'file' as const,
    created_at: 0,
  }))
  return [...rows, ...made]
}
