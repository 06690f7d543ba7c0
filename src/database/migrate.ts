import { type Kysely, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { AppError } from '../errors.ts'
import type { Columns } from './columns.ts'
import * as initial from './migrations/0001-initial.ts'
import * as repositories from './migrations/0002-repositories.ts'
import * as manifestUses from './migrations/0003-manifest-uses.ts'
import * as grants from './migrations/0004-grants.ts'
import * as tokens from './migrations/0006-tokens.ts'
import * as audit from './migrations/0007-audit.ts'
import * as sessions from './migrations/0008-sessions.ts'
import * as sessionCredentials from './migrations/0010-session-credentials.ts'
import * as jobs from './migrations/0011-jobs.ts'
import type { Schema } from './schema.ts'

/** In order, by the name they are remembered under. Never change one that was released: add another. */
const migrations = {
  '0001-initial': initial,
  '0002-repositories': repositories,
  '0003-manifest-uses': manifestUses,
  '0004-grants': grants,
  '0006-tokens': tokens,
  '0007-audit': audit,
  '0008-sessions': sessions,
  '0010-session-credentials': sessionCredentials,
  '0011-jobs': jobs,
}

/** The name of the newest migration this version knows. */
export const schemaVersion = Object.keys(migrations).at(-1)!

const tables: (keyof Schema)[] = [
  'repositories',
  'images',
  'manifests',
  'manifest_references',
  'manifest_uses',
  'tags',
  'tag_history',
  'blobs',
  'blob_links',
  'uploads',
  'gc_queue',
  'users',
  'grants',
  'facts',
  'audit_events',
  'sessions',
  'oidc_users',
  'signing_keys',
  'robots',
  'access_tokens',
  'jobs',
]

/**
 * Brings the tables up to date: all or nothing on both databases, one instance at a time. Then reads from each table, so that a damaged
 * or foreign database is found at start and not at the first push. Throws `unavailable` with what is wrong.
 */
export async function migrate(db: Kysely<Schema>, columns: Columns, description: string): Promise<void> {
  const migrator = new Migrator({
    db,
    migrationTableName: 'entrepot_migrations',
    migrationLockTableName: 'entrepot_migrations_lock',
    provider: {
      getMigrations: async () =>
        Object.fromEntries(
          Object.entries(migrations).map(([name, { up }]) => [name, { up: (tx: Kysely<unknown>) => up(tx, columns) }]),
        ),
    },
  })
  await refuseNewer(db, description)
  const { error } = await migrator.migrateToLatest()
  if (error)
    throw new AppError('unavailable', `database: ${description} could not be brought up to date: ${reason(error)}`, {
      cause: error,
    })
  for (const table of tables) {
    try {
      await sql`select * from ${sql.table(table)} limit 1`.execute(db)
    } catch (cause) {
      throw new AppError('unavailable', `database: table ${table} of ${description} cannot be read: ${reason(cause)}`, {
        cause,
      })
    }
  }
}

/** A database that a newer version has changed is left alone: going back is done with a backup. */
async function refuseNewer(db: Kysely<Schema>, description: string): Promise<void> {
  const existing = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!existing.some(({ name }) => name === 'entrepot_migrations')) return
  const { rows } = await sql<{ name: string }>`select name from entrepot_migrations order by name`.execute(db)
  const unknown = rows.map(({ name }) => name).filter((name) => !(name in migrations))
  if (unknown.length === 0) return
  throw new AppError(
    'unavailable',
    `database: ${description} was changed by a newer version of Entrepot (${unknown.join(', ')}): start that version, or restore a backup made by this one`,
  )
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
