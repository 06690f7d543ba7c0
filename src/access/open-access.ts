import type { Config } from '../config/config.ts'
import type { Database } from '../database/database.ts'
import type { Log } from '../telemetry/log.ts'
import { type Access, compileAccess } from './access.ts'
import { claimsOnly, type Decide, open, type ReachOf } from './decide.ts'
import { declaredGrants, type GrantingConfig, usersMayAll } from './declared.ts'
import type { Grant } from './grant.ts'
import { declareGrants, grantsVersion, readGrants } from './grant-store.ts'
import { rolesWith } from './roles.ts'

/** What a server needs to decide, kept up to date with the database. */
export interface LiveAccess extends Access {
  decide: Decide
  reachOf: ReachOf
  /** Looks whether grants have changed; done every two seconds anyway. Whoever changes some here calls it, so that the next request sees it. */
  refresh(): Promise<void>
  close(): Promise<void>
}

export interface AccessOptions {
  config: GrantingConfig & Pick<Config, 'auth' | 'roles'>
  writableMember: (group: string) => string | undefined
  db: Database
  log: Log
  now: () => number
  /** How often other instances' changes are looked for. Milliseconds, default 2,000: with the time to read them, a change holds everywhere within 3 s. */
  pollMs?: number
}

interface Loaded {
  version: string | undefined
  grants: readonly Grant[]
  access: Access
}

/**
 * Brings the grants of the file into the database, loads all, and follows changes that other instances and commands make. While the database does not answer,
 * what was known last goes on to hold.
 */
export async function openAccess(options: AccessOptions): Promise<LiveAccess> {
  const { config, db, log, now, writableMember, pollMs = 2000 } = options
  if (config.auth === 'none') return everything
  if (typeof config.auth === 'object' && 'token' in config.auth) return byClaims
  const roles = rolesWith(config.roles)
  const all = usersMayAll(config)
  const compile = (grants: readonly Grant[]) => compileAccess({ grants, roles, writableMember, usersMayAll: all })
  await declareGrants(db, declaredGrants(config), now())

  let current: Loaded = { version: undefined, grants: [], access: compile([]) }
  let last: Promise<unknown> = Promise.resolve()
  /** One after the other: what was read earlier never replaces what was read later. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }
  const load = async () => {
    // Read first: a change in between is then loaded twice rather than missed.
    const version = await grantsVersion(db.queries)
    const grants = await readGrants(db.queries)
    tellUnknownRoles(grants, roles, log)
    current = { version, grants, access: compile(grants) }
  }
  await load()
  if (all)
    log.info('auth.htpasswd without grants in the configuration: every user may do everything', {
      toLimit: 'write grants',
    })
  else log.info('users may do what grants say, admins everything', { grants: current.grants.length })

  let isFailing = false
  const look = async () => {
    try {
      if ((await grantsVersion(db.queries)) !== current.version) await load()
      if (isFailing) log.info('grants can be read again')
      isFailing = false
    } catch (error) {
      if (!isFailing) log.error('grants cannot be read: those read last go on to hold', { error })
      isFailing = true
    }
  }
  let isLooking = false
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    void inTurn(look).finally(() => {
      isLooking = false
    })
  }, pollMs)
  timer.unref()
  return {
    judge: (principal, action, target) => current.access.judge(principal, action, target),
    decide: (principal, action, target) => current.access.judge(principal, action, target).allowed,
    reachOf: (principal, repository) => current.access.reachOf(principal, repository),
    refresh: () => inTurn(load),
    async close() {
      clearInterval(timer)
      await last
    },
  }
}

const everything: LiveAccess = {
  judge: () => ({ allowed: true, because: { by: 'admin' } }),
  decide: open,
  reachOf: () => [''],
  refresh: async () => {},
  close: async () => {},
}

/** Where another server issues the tokens, it has decided. */
const byClaims: LiveAccess = {
  ...everything,
  judge: (principal, action) =>
    claimsOnly(principal, action) ? { allowed: true, because: { by: 'login' } } : { allowed: false, because: 'login' },
  decide: claimsOnly,
}

function tellUnknownRoles(grants: readonly Grant[], roles: ReadonlyMap<string, unknown>, log: Log): void {
  const unknown = new Set(grants.map(({ role }) => role).filter((role) => !roles.has(role)))
  for (const role of unknown) log.warn('grants name a role that does not exist: they allow nothing', { role })
}
