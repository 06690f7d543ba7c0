import { createClosers } from '../closers.ts'
import { type Config, htpasswdOf } from '../config/config.ts'
import { duration, Wrong } from '../config/kinds.ts'
import { openDatabase } from '../database/database.ts'
import { findOidcUser } from '../database/oidc-users.ts'
import { findUser } from '../database/users.ts'
import { AppError } from '../errors.ts'
import { readTextFile } from '../identity/durable-file.ts'
import { parseHtpasswd } from '../identity/htpasswd.ts'
import { openDirectories } from '../identity/open-sources.ts'
import type { Limit } from '../identity/principal.ts'
import { isKnown } from '../identity/sources.ts'
import { type AccessToken, type AccessTokens, createAccessTokens } from '../identity/tokens/access-tokens.ts'
import { createRobots, type Robots } from '../identity/tokens/robots.ts'
import { createLog } from '../telemetry/log.ts'
import { loadOrExplain } from './configured.ts'
import { openConsoleAudit, type TellFromConsole } from './console-audit.ts'
import type { CommandIo } from './io.ts'

/** What a command line says of a new access token. */
export interface TokenOptions {
  config?: string | undefined
  /** What its owner calls it. */
  name?: string | undefined
  /** Repositories, or `*`. */
  repository?: string[] | undefined
  /** Image patterns within them. */
  images?: string[] | undefined
  /** `pull,push`, also as several words. */
  actions?: string[] | undefined
  /** `90d`, `12h`, `2027-12-31`, `never`. */
  expires?: string | undefined
  json?: boolean | undefined
}

/** What the commands about tokens and robots work with. */
export interface TokenParts {
  config: Config
  tokens: AccessTokens
  robots: Robots
  /** Whether somebody who is no robot has this name, as far as can be told from here. */
  isUser(name: string): Promise<boolean>
  tell: TellFromConsole
}

/**
 * Runs a command about tokens on the database of the configuration, beside a running server, which notices a change within seconds. Returns its exit code: 1 for
 * what could not be done, 2 for what was misused.
 */
export async function withTokens(
  options: { config?: string | undefined },
  io: CommandIo,
  work: (parts: TokenParts) => Promise<number>,
): Promise<number> {
  const config = loadOrExplain(options, io)
  if (!config) return 2
  const closers = createClosers()
  try {
    const db = closers.add(await openDatabase(config.database))
    const tokens = createAccessTokens(db, Date.now)
    const isUser = async (name: string) =>
      (await findUser(db, name)) !== undefined ||
      (await findOidcUser(db.queries, { name })) !== undefined ||
      isInHtpasswd(config, name) ||
      (await isInDirectories(config, name))
    const { namePattern } = config.robots
    const robots = createRobots({ db, tokens, namePattern, isUser, now: Date.now })
    const tell = openConsoleAudit(db, io, closers.add)
    return await work({ config, tokens, robots, isUser, tell })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    io.err.write(`${error.message}\n`)
    return error.code === 'request-invalid' ? 2 : 1
  } finally {
    await closers.closeAll()
  }
}

/** Undefined: nothing was said, so nothing is limited. Throws `request-invalid` for half of a limit. */
export function limitsFrom({ repository = [], images = [], actions = [] }: TokenOptions): Limit[] | undefined {
  if (repository.length === 0 && images.length === 0 && actions.length === 0) return undefined
  const wanted = actions.flatMap((list) => list.split(',')).filter((action) => action !== '')
  if (wanted.length === 0)
    throw new AppError('request-invalid', 'say what it may do: --actions pull, or --actions pull,push,delete')
  const repositories = repository.length > 0 ? repository : ['*']
  return repositories.map((name) => ({ repository: name, images, actions: wanted }))
}

const usualDays = 90

/** When a token ends, in milliseconds since 1970; undefined: never. Throws `request-invalid`. */
export function expiryFrom(text: string | undefined, now: number): number | undefined {
  if (text === 'never') return undefined
  if (text === undefined) return now + usualDays * 86_400_000
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text))) return Date.parse(text)
  const length = duration(1000).parse(text, '')
  if (length instanceof Wrong)
    throw new AppError('request-invalid', `--expires ${length.reason}: write 90d, 12h, 2027-12-31 or never`)
  return now + length
}

/** Creates a token, says about it what a person needs, and prints its secret, the only thing on standard output. */
export async function printNewToken(
  { tokens, tell }: TokenParts,
  owner: AccessToken['owner'],
  options: TokenOptions,
  io: CommandIo,
): Promise<number> {
  const now = Date.now()
  const { token, secret } = await tokens.create({
    owner,
    name: options.name ?? `made ${new Date(now).toISOString().slice(0, 10)}`,
    limits: limitsFrom(options),
    expiresAt: expiryFrom(options.expires, now),
  })
  tell('token.create', `${owner.name}, token ${token.id}`)
  if (options.json) {
    io.out.write(`${JSON.stringify({ ...token, secret })}\n`)
    return 0
  }
  io.err.write(`Token ${token.id} of ${owner.name}: ${describeToken(token)}.\n`)
  io.err.write(`Log in as ${owner.name} with this as the password; it is not shown again:\n`)
  io.out.write(`${secret}\n`)
  return 0
}

/** What it may do and until when, for people. */
export function describeToken({ limits, expiresAt }: AccessToken): string {
  const may = limits?.map(({ repository, images, actions }) => {
    const where = repository === '*' ? 'all repositories' : repository
    return `${actions.join(', ')} in ${where}${images.length > 0 ? `, images ${images.join(' ')}` : ''}`
  })
  const until =
    expiresAt === undefined ? 'does not expire' : `expires ${new Date(expiresAt).toISOString().slice(0, 16)}Z`
  return `${may?.join('; ') ?? 'all that its owner may'}; ${until}`
}

function isInHtpasswd(config: Config, name: string): boolean {
  const path = htpasswdOf(config)?.path
  return path !== undefined && parseHtpasswd(readTextFile(path)?.text ?? '').entries.has(name)
}

/** Asks the directories, which have to be reachable for it. */
async function isInDirectories({ ldap }: Config, name: string): Promise<boolean> {
  const directories = await openDirectories(ldap, createLog({ level: 'error' }), undefined)
  try {
    return await isKnown(name, directories)
  } finally {
    for (const directory of directories) await directory.close()
  }
}
