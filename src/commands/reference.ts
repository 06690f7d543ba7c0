import { existsSync } from 'node:fs'
import type { Closers } from '../closers.ts'
import { type Config, secretsSettings } from '../config/config.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { listRepositories } from '../database/repositories.ts'
import { AppError } from '../errors.ts'
import { isImageName, parseReference } from '../formats/docker/images/names.ts'
import { previewRepositories } from '../repositories/live.ts'
import type { Repositories } from '../repositories/repositories.ts'
import { openSecrets } from '../secrets/secrets.ts'
import { connectorAt } from './connector-at.ts'
import { written } from './written.ts'

/** The database for a command that only looks; undefined where the first start would make one. */
export async function openIfThere({ database }: Config, closers: Closers): Promise<Database | undefined> {
  const path = /^sqlite:(.*)$/.exec(database)?.[1]
  return path === undefined || existsSync(path) ? closers.add(await openDatabase(database)) : undefined
}

/** The repositories that a server with this configuration would have. */
export async function repositoriesOf(config: Config, db: Database | undefined): Promise<Repositories> {
  const { repositories: declared, defaultRepository } = config
  const rows = db ? await listRepositories(db) : []
  const secrets = openSecrets(secretsSettings(config))
  return previewRepositories(rows, { secrets, declared, defaultRepository })
}

/** An image as clients write it, with `latest` where no tag is said: the first segment is a host when it has a dot or a port, or is `localhost`. */
export function parseImage(text: string) {
  const [, host, rest = ''] = /^(?:((?:localhost|[^/]*[.:][^/]*))\/)?(.*)$/.exec(text) ?? []
  const at = rest.indexOf('@')
  const [, named = rest, tag] = at < 0 ? (/^(.*?)(?::([^/:]*))?$/.exec(rest) ?? []) : []
  const name = at < 0 ? named : rest.slice(0, at).replace(/:[^/:]*$/, '')
  if (!isImageName(name))
    throw new AppError('name-invalid', `"${text}" is no image: write host/name:tag or name@digest`)
  return { host, name, reference: parseReference(at < 0 ? (tag ?? 'latest') : rest.slice(at + 1)) }
}

/** The repositories as the listener shows them that a host leads to; says which that is. */
export function viewFor(config: Config, host: string | undefined, all: Repositories, say: (line: string) => void) {
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
