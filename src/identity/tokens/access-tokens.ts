import { randomUUID } from 'node:crypto'
import {
  type AccessTokenRow,
  findAccessToken,
  findAccessTokenByHash,
  insertAccessToken,
  listAccessTokens,
  type Owner,
  revokeAccessToken,
  touchAccessToken,
} from '../../database/access-tokens.ts'
import type { Database, Queries } from '../../database/database.ts'
import { recall, remember } from '../../database/facts.ts'
import { AppError } from '../../errors.ts'
import type { Limit } from '../principal.ts'
import { createSecret, hashSecret } from './secret.ts'

export type { Owner } from '../../database/access-tokens.ts'

/** An access token as its owner may see it: everything but the secret, which nobody has any more. Times are milliseconds since 1970. */
export interface AccessToken {
  id: number
  owner: Owner
  /** What its owner calls it. */
  name: string
  /** What it allows at most; undefined: all that its owner may. */
  limits: readonly Limit[] | undefined
  /** Undefined: never. */
  expiresAt: number | undefined
  createdAt: number
  /** To the minute or so; undefined: not yet. */
  lastUsedAt: number | undefined
  revokedAt: number | undefined
}

/** What a new access token is to be. */
export interface NewAccessToken {
  owner: Owner
  name: string
  limits?: readonly Limit[] | undefined
  expiresAt?: number | undefined
}

/** The access tokens of users and robots, and the only way to change them: what is done here holds at once for the next request of this instance. */
export interface AccessTokens {
  /** The secret is told here and nowhere else. Throws `request-invalid` for a robot's token without limits, for an end in the past, a bad name. */
  create(token: NewAccessToken): Promise<{ token: AccessToken; secret: string }>
  /** Oldest first, those of one owner or all; also expired and revoked ones. */
  list(owner?: Owner): Promise<AccessToken[]>
  find(id: number): Promise<AccessToken | undefined>
  findBySecret(secret: string): Promise<AccessToken | undefined>
  /** False: there is none, or it was revoked before. */
  revoke(id: number): Promise<boolean>
  /** Runs a change of what tokens hang on, robots above all, so that other instances notice it like a revocation. */
  changing<T>(change: (queries: Queries) => Promise<T>): Promise<T>
  /** Grows with every change made here, and with those of others once `lookForChanges` has seen them. */
  generation(): number
  lookForChanges(): Promise<void>
  /** Remembers that a token was used; written by `flush`. */
  used(id: number): void
  flush(): Promise<void>
}

const revisionFact = 'access-tokens.revision'
const longestName = 100
const mostLimits = 100

/** Opens the access tokens of a database, shared by every instance on it. */
export function createAccessTokens(db: Database, now: () => number): AccessTokens {
  let generation = 0
  let revision: string | undefined
  let lookedAt: number | undefined
  const uses = new Map<number, number>()

  async function changing<T>(change: (queries: Queries) => Promise<T>): Promise<T> {
    const next = randomUUID()
    try {
      const result = await db.transaction(async (tx) => {
        const changed = await change(tx)
        await remember(tx, revisionFact, next)
        return changed
      })
      revision = next
      return result
    } finally {
      // Also after a failure: a change whose answer got lost may have been made.
      generation++
    }
  }

  return {
    changing,
    generation: () => generation,
    async create({ owner, name, limits, expiresAt }) {
      checkToken({ owner, name, limits, expiresAt }, now())
      const secret = createSecret()
      const row = {
        owner_kind: owner.kind,
        owner: owner.name,
        name,
        hash: hashSecret(secret),
        limits: limits === undefined ? null : JSON.stringify(limits),
        expires_at: expiresAt ?? null,
        created_at: now(),
        last_used_at: null,
        revoked_at: null,
      }
      const id = await insertAccessToken(db.queries, row)
      return { token: fromRow({ id, ...row }), secret }
    },
    list: async (owner) => (await listAccessTokens(db.queries, owner)).map(fromRow),
    async find(id) {
      const row = await findAccessToken(db.queries, id)
      return row && fromRow(row)
    },
    async findBySecret(secret) {
      const row = await findAccessTokenByHash(db.queries, hashSecret(secret))
      return row && fromRow(row)
    },
    revoke: (id) => changing((tx) => revokeAccessToken(tx, id, now())),
    async lookForChanges() {
      // A database that only we write to, and that was not written to, has nothing new.
      if (lookedAt !== undefined && lookedAt === db.generation) return
      lookedAt = db.generation
      const found = await recall(db.queries, revisionFact)
      if (found !== revision) generation++
      revision = found
    },
    used: (id) => void uses.set(id, now()),
    async flush() {
      if (uses.size === 0) return
      const batch = [...uses]
      uses.clear()
      await db.relaxed(async (tx) => {
        for (const [id, at] of batch) await touchAccessToken(tx, id, at)
      })
    },
  }
}

/** Whether a token opens anything at this time, its owner aside. */
export function isLive({ revokedAt, expiresAt }: AccessToken, now: number): boolean {
  return revokedAt === undefined && (expiresAt === undefined || expiresAt > now)
}

function checkToken({ owner, name, limits, expiresAt }: NewAccessToken, now: number): void {
  const invalid = (message: string) => new AppError('request-invalid', message)
  if (name === '' || name.length > longestName || /\p{Cc}/u.test(name))
    throw invalid(`a token needs a name of 1 to ${longestName} printable characters`)
  if (expiresAt !== undefined && expiresAt <= now) throw invalid('a token must not expire before it exists')
  if (owner.kind === 'robot' && (limits === undefined || limits.length === 0))
    throw invalid('the token of a robot needs limits: a repository and actions')
  if (limits === undefined) return
  if (limits.length === 0 || limits.length > mostLimits)
    throw invalid(`a token has 1 to ${mostLimits} limits, or none at all`)
  for (const { repository, actions, images } of limits) {
    if (repository === '') throw invalid('a limit names a repository, or * for all')
    const unknown = actions.find((action) => !limitActions.includes(action))
    if (actions.length === 0 || unknown !== undefined)
      throw invalid(
        `a limit lists actions out of ${limitActions.join(', ')}${unknown === undefined ? '' : `, not ${JSON.stringify(unknown)}`}`,
      )
    const bad = images.find((pattern) => !/^!?[a-z0-9._/*-]{1,255}$/.test(pattern))
    if (bad !== undefined)
      throw invalid(`${JSON.stringify(bad)} is no image pattern: write team/app, team/* or team/**`)
  }
}

/** What a limit may allow. */
export const limitActions: readonly string[] = ['pull', 'push', 'delete']

/** PostgreSQL gives 64-bit integers as texts. */
function fromRow(row: AccessTokenRow): AccessToken {
  const time = (value: number | null) => (value === null ? undefined : Number(value))
  return {
    id: Number(row.id),
    owner: { kind: row.owner_kind, name: row.owner },
    name: row.name,
    limits: row.limits === null ? undefined : (JSON.parse(row.limits) as Limit[]),
    expiresAt: time(row.expires_at),
    createdAt: Number(row.created_at),
    lastUsedAt: time(row.last_used_at),
    revokedAt: time(row.revoked_at),
  }
}
