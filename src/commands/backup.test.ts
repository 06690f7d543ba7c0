import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { openDatabase } from '../database/database.ts'
import { remember } from '../database/facts.ts'
import { putRepository } from '../database/repositories.ts'
import { insertUser, listUsers } from '../database/users.ts'
import { backup } from './backup.ts'
import { restore } from './restore.ts'

/** What would configure the commands behind the tests' back: they read the variables of this process. */
const inherited = Object.entries(process.env).filter(([name]) => /^(REGISTRY|ENTREPOT)_/.test(name))

let folder: string
let config: string
let file: string

beforeEach(async () => {
  for (const [name] of inherited) delete process.env[name]
  folder = mkdtempSync(join(tmpdir(), 'entrepot-backup-'))
  config = configFor('first')
  file = join(folder, 'backup.gz')
})
afterEach(() => {
  Object.assign(process.env, Object.fromEntries(inherited))
  rmSync(folder, { recursive: true })
})

function configFor(name: string): string {
  const path = join(folder, `${name}.yml`)
  writeFileSync(path, `dataDir: ${join(folder, name)}\nauth: none\n`)
  return path
}

const databaseOf = (name: string) => openDatabase(`sqlite:${join(folder, name, 'entrepot.db')}`)

async function fill(name: string): Promise<void> {
  const db = await databaseOf(name)
  await insertUser(db, { name: 'eve', password_hash: 'x', admin: 0, created_at: 1 })
  await putRepository(db.queries, {
    name: 'private',
    format: 'docker',
    type: 'hosted',
    blob_store: 'elsewhere',
    write_policy: 'allow',
    description: '',
    managed_by: 'file',
    created_at: 1,
  })
  // Enough for many blocks of compressed bytes.
  await db.transaction(async (tx) => {
    for (let n = 0; n < 2000; n++) await remember(tx, `${n}`, crypto.randomUUID().repeat(10))
  })
  await db.close()
}

function io() {
  const said = { err: '' }
  const out = new PassThrough()
  return { said, out, err: { write: (text: string) => (said.err += text) }, stdin: new PassThrough() }
}

describe('backup and restore', () => {
  test('carry everything to another installation', async () => {
    await fill('first')
    expect(await backup(file, { config }, io())).toBe(0)
    const at = io()
    expect(await restore(file, { config: configFor('second') }, at)).toBe(0)
    expect(at.said.err).toContain('blob store elsewhere, which is not configured')
    const db = await databaseOf('second')
    expect(await listUsers(db)).toMatchObject([{ name: 'eve' }])
    await db.close()
  })

  test('a backup is readable by its owner alone, and nothing else is left beside it', async () => {
    await fill('first')
    await backup(file, { config }, io())
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder).filter((name) => name.startsWith('backup'))).toEqual(['backup.gz'])
  })

  test('a backup can go to standard output', async () => {
    await fill('first')
    const at = io()
    const whole = (async () => Buffer.concat(await Array.fromAsync(at.out)))()
    expect(await backup('-', { config }, at)).toBe(0)
    at.out.end()
    writeFileSync(file, await whole)
    expect(await restore(file, { config: configFor('second') }, io())).toBe(0)
  })

  test('a file that was cut short, at any place, changes nothing', async () => {
    await fill('first')
    await backup(file, { config }, io())
    const bytes = readFileSync(file)
    const second = configFor('second')
    for (const part of [0, 0.01, 0.5, 0.99]) {
      writeFileSync(file, bytes.subarray(0, Math.floor(bytes.length * part)))
      const at = io()
      expect(await restore(file, { config: second }, at)).toBe(1)
      expect(at.said.err).toContain('nothing was restored')
    }
    writeFileSync(file, bytes)
    expect(await restore(file, { config: second }, io())).toBe(0)
  })

  test('a database that is not empty is replaced only with --force', async () => {
    await fill('first')
    await backup(file, { config }, io())
    const db = await databaseOf('first')
    await insertUser(db, { name: 'later', password_hash: 'x', admin: 0, created_at: 1 })
    const at = io()
    expect(await restore(file, { config }, at)).toBe(1)
    expect(at.said.err).toContain('--force')
    expect(await restore(file, { config, force: true }, io())).toBe(0)
    expect(await listUsers(db)).toMatchObject([{ name: 'eve' }])
    await db.close()
  })

  test('a missing database or folder is told, and nothing is made', async () => {
    const at = io()
    expect(await backup(file, { config }, at)).toBe(1)
    expect(at.said.err).toContain('there is no database')
    await fill('first')
    const missing = io()
    expect(await backup(join(folder, 'nowhere/backup.gz'), { config }, missing)).toBe(1)
    expect(missing.said.err).toContain('ENOENT')
    const absent = io()
    expect(await restore(file, { config: configFor('second') }, absent)).toBe(1)
    expect(absent.said.err).toContain('ENOENT')
  })
})
