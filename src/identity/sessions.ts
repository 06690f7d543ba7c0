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
  /** Who somebody is now; undefined when they are gone, disabled, or have another password. Asked at least once a minute for each session that is used. */
  current(principal: KnownPrincipal): Promise<KnownPrincipal | undefined>
  /** Grows when somebody was removed or changed here: what `current` said before no longer counts. */
  generation(): number
}

export interface Sessions {
  /** Begins a session under a new secret, which is returned once and goes into the cookie. */
  begin(who: {
    principal: KnownPrincipal
    source: string
    address: string
    userAgent: string
  }): Promise<{ secret: string; session: Session }>
  /** The session of a secret, with its user as they are now; undefined when it has ended or never was. Rejects when nobody can tell who they are now. */
  find(secret: string): Promise<Session | undefined>
  /** False when it had ended. */
  end(id: string): Promise<boolean>
  /** Ends those of a user, but `except`, an id. Resolves to how many. */
  endAllOf(name: string, except?: string): Promise<number>
  of(name: string): Promise<Session[]>
  /** Removes what has ended by itself. */
  sweep(): Promise<number>
}

/** A use is written down no more often than this: a page asks many things at once. */
const touchMs = 60_000

/** A removed user, another password or group is noticed within this time, whoever made the change. */
const recheckMs = 60_000
const mostRemembered = 10_000

/** Whether what a page sent back is the token of its session; takes the same time for every answer. */
export function isCsrfToken(given: string | undefined, session: Pick<Session, 'csrf'>): boolean {
  const [theirs, ours] = [Buffer.from(given ?? ''), Buffer.from(session.csrf)]
  return theirs.length === ours.length && timingSafeEqual(theirs, ours)
}

/** Sessions kept in the database, so that every instance knows them; of the secret only a digest. */
export function createSessions(options: SessionOptions): Sessions {
  const { db, now, idleMs, longestMs, current, generation } = options
  const findRow = prepareFindSession(db)
  /** By session, the one checked first in front. A page asks many things at once: they wait for one answer. */
  const checked = new Map<string, { at: number; generation: number; verdict: Promise<KnownPrincipal | undefined> }>()

  function standing(row: SessionRow): Promise<KnownPrincipal | undefined> {
    const at = now()
    const last = checked.get(row.id)
    if (last && at - last.at < recheckMs && last.generation === generation()) return last.verdict
    const verdict = current(principalOf(row))
    const check = { at, generation: generation(), verdict }
    checked.delete(row.id)
    checked.set(row.id, check)
    if (checked.size > mostRemembered) checked.delete(checked.keys().next().value!)
    verdict.catch(() => {
      if (checked.get(row.id) === check) checked.delete(row.id)
    })
    return verdict
  }

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
        credential: principal.credential ?? '',
      }
      await db.transaction((tx) => insertSession(tx, row))
      return { secret, session: sessionOf(row, secret) }
    },
    async find(secret) {
      if (secret.length !== 43) return undefined
      const [row] = await findRow({ id: idOf(secret) })
      const at = now()
      if (!row || row.used_at < at - idleMs || row.created_at < at - longestMs) return undefined
      const principal = await standing(row)
      if (!principal) {
        await db.transaction((tx) => deleteSession(tx, row.id))
        return undefined
      }
      if (row.used_at < at - touchMs) await db.relaxed((tx) => touchSession(tx, row.id, at))
      return { ...sessionOf(row, secret), principal }
    },
    end: (id) => db.transaction((tx) => deleteSession(tx, id)),
    endAllOf: (name, except) => db.transaction((tx) => deleteSessions(tx, { name, except })),
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
  return {
    id: row.id,
    principal: principalOf(row),
    csrf: secret === '' ? '' : createHmac('sha256', secret).update('csrf').digest('base64url'),
    source: row.source,
    createdAt: Number(row.created_at),
    usedAt: Number(row.used_at),
    address: row.address,
    userAgent: row.user_agent,
  }
}

/** As of the login. */
function principalOf({ name, admin, groups, credential }: SessionRow): KnownPrincipal {
  return { kind: 'user', name, admin: admin === 1, groups: JSON.parse(groups) as string[], credential }
}
