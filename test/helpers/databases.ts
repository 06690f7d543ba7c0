import { describe } from 'bun:test'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import pg from 'pg'
import { type Database, openDatabase } from '../../src/database/database.ts'

export interface TestDatabase {
  db: Database
  url: string
  /** Opens the same database once more, as a second instance would. */
  again(): Promise<Database>
  close(): Promise<void>
}

/** The PostgreSQL the test runner has started; without it the PostgreSQL half is skipped, visibly. */
const postgres = process.env['ENTREPOT_TEST_POSTGRES']

/** Runs the same tests on SQLite and on PostgreSQL. `open` gives a new empty database each time. */
export function describeOnEachDatabase(name: string, tests: (open: () => Promise<TestDatabase>) => void): void {
  describe(`${name} (sqlite)`, () => tests(openTestSqlite))
  describe.skipIf(!postgres)(`${name} (postgres)`, () => tests(() => openTestPostgres(postgres!)))
}

export async function openTestSqlite(): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'entrepot-db-'))
  const url = `sqlite:${join(folder, 'entrepot.db')}`
  return using(url, async () => rmSync(folder, { recursive: true, force: true }))
}

export async function openTestPostgres(server: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`
  template ??= makeTemplate(server)
  await onServer(server, `create database ${name} template ${await template}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return using(url.href, () => onServer(server, `drop database ${name} with (force)`))
}

const sources = resolve(import.meta.dirname, '../../src/database')
let template: Promise<string> | undefined

/** A migrated database to copy: a third of the time of migrating each. It stays on the server, one for each state of the migrations. */
async function makeTemplate(server: string): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(join(sources, 'columns.ts')))
  for (const file of readdirSync(join(sources, 'migrations')).sort()) {
    hash.update(readFileSync(join(sources, 'migrations', file)))
  }
  const name = `test_template_${hash.digest('hex').slice(0, 12)}`
  const draft = `test_${randomBytes(6).toString('hex')}`
  await onServer(server, `create database ${draft}`)
  const url = new URL(server)
  url.pathname = `/${draft}`
  await (await openDatabase(url.href)).close()
  try {
    await onServer(server, `alter database ${draft} rename to ${name}`)
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== duplicateDatabase) throw error
    await onServer(server, `drop database ${draft}`)
  }
  return name
}

/** SQLSTATE. */
const duplicateDatabase = '42P04'

async function using(url: string, remove: () => Promise<void>): Promise<TestDatabase> {
  const opened = [await openDatabase(url)]
  return {
    db: opened[0]!,
    url,
    async again() {
      const next = await openDatabase(url)
      opened.push(next)
      return next
    },
    async close() {
      for (const db of opened) await db.close()
      await remove()
    },
  }
}

async function onServer(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
