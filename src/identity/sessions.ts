import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Database } from '../database/database.ts'
import {
  deleteSession,
  deleteSessions,
  insertSession,
  listSessions,
  prepareFindSession,
  type SessionRow,
  touchSession,
} from '../database/sessions.ts'
import type { KnownPrincipal } from './principal.ts'

/** A person in a browser. */
export interface Session {
  /** Digest of the secret in the cookie: names the session in lists, and opens nothing. */
  id: string
  principal: KnownPrincipal
  /** What a page must send back with every change (`X-CSRF-Token`): other sites cannot know it. */
  csrf: string
  /** Which source of users let them in: `local`, `htpasswd`, `ldap`, `oidc`. */
  source: string
  /** Milliseconds since 1970. */
  createdAt: number
  usedAt: number
  address: string
  userAgent: string
}

export interface SessionOptions {
  db: Database
  now: () => number
  /** Ends after this long without a request. Milliseconds. */
  idleMs: number
  /** Ends after this long whatever happens. Milliseconds. */
  longestMs: number
}

export interface Sessions {
  /** Begins a session under a new secret, which is returned once and goes into the cookie. */
  begin(who: {
    principal: KnownPrincipal
    source: string
    address: string
    userAgent: string
  }): Promise<{ secret: string; session: Session }>
  /** The session of a secret; undefined when it has ended or never was. */
  find(secret: string): Promise<Session | undefined>
  /** False when it had ended. */
  end(id: string): Promise<boolean>
  /** When a user was removed or changed the password. `but`: the id of one that goes on. */
  endAllOf(name: string, but?: string): Promise<number>
  of(name: string): Promise<Session[]>
  /** Removes what has ended by itself. */
  sweep(): Promise<number>
}

/** A use is written down no more often than this: a page asks many things at once. */
const touchMs = 60_000

/** Whether what a page sent back is the token of its session; takes the same time for every answer. */
export function isCsrfToken(given: string | undefined, session: Pick<Session, 'csrf'>): boolean {
  const [theirs, ours] = [Buffer.from(given ?? ''), Buffer.from(session.csrf)]
  return theirs.length === ours.length && timingSafeEqual(theirs, ours)
}

/** Sessions kept in the database, so that every instance knows them; of the secret only a digest. */
export function createSessions({ db, now, idleMs, longestMs }: SessionOptions): Sessions {
  const findRow = prepareFindSession(db)

  return {
    async begin({ principal, source, address, userAgent }) {
      const secret = randomBytes(32).toString('base64url')
      const at = now()
      const row: SessionRow = {
        id: idOf(secret),
        source,
        name: principal.name,
        admin: principal.admin ? 1 : 0,
        groups: JSON.stringify(principal.groups),
        address: address.slice(0, 100),
        user_agent: userAgent.slice(0, 300),
        created_at: at,
        used_at: at,
      }
      await db.transaction((tx) => insertSession(tx, row))
      return { secret, session: sessionOf(row, secret) }
    },
    async find(secret) {
      if (secret.length !== 43) return undefined
      const [row] = await findRow({ id: idOf(secret) })
      const at = now()
      if (!row || row.used_at < at - idleMs || row.created_at < at - longestMs) return undefined
      if (row.used_at < at - touchMs) await db.relaxed((tx) => touchSession(tx, row.id, at))
      return sessionOf(row, secret)
    },
    end: (id) => db.transaction((tx) => deleteSession(tx, id)),
    endAllOf: (name, but) => db.transaction((tx) => deleteSessions(tx, { name, but })),
    of: async (name) => (await listSessions(db.queries, name)).map((row) => sessionOf(row, '')),
    sweep: () =>
      db.transaction((tx) => deleteSessions(tx, { unusedSince: now() - idleMs, createdBefore: now() - longestMs })),
  }
}

function idOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** Without the secret there is no token: a list of sessions is no way to act in one. */
function sessionOf(row: SessionRow, secret: string): Session {
  const groups = JSON.parse(row.groups) as string[]
  return {
    id: row.id,
    principal: { kind: 'user', name: row.name, admin: row.admin === 1, groups },
    csrf: secret === '' ? '' : createHmac('sha256', secret).update('csrf').digest('base64url'),
    source: row.source,
    createdAt: row.created_at,
    usedAt: row.used_at,
    address: row.address,
    userAgent: row.user_agent,
  }
}
