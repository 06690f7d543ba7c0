import { describe } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

async function openTestPostgres(server: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await onServer(server, `create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return using(url.href, () => onServer(server, `drop database ${name} with (force)`))
}

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
