import { afterEach, beforeEach, expect, test } from 'bun:test'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { findUser, insertUser, listUsers } from '../database/users.ts'
import { createLog } from '../telemetry/log.ts'
import { type DeclaredUser, declareUsers } from './declared-users.ts'
import { hashPassword, kindOfHash, verifyPassword } from './passwords.ts'

const ci: DeclaredUser = { name: 'ci', password: 'first', passwordHash: undefined, admin: false }

describeOnEachDatabase('users of the configuration', (open) => {
  let opened: TestDatabase
  beforeEach(async () => {
    opened = await open()
  })
  afterEach(() => opened.close())

  const declare = (...users: DeclaredUser[]) =>
    declareUsers(users, {
      db: opened.db,
      log: createLog({ stream: { write() {} } }),
      now: () => 1,
      policy: { minLength: 8 },
    })
  const hash = async (name = 'ci') => (await findUser(opened.db, name))?.password_hash ?? ''

  test('are created, and not hashed anew while the password stays', async () => {
    await declare(ci)
    const first = await hash()
    expect(kindOfHash(first)).toBe('argon2id')
    await declare(ci)
    expect(await hash()).toBe(first)
  })

  test('are changed with the file', async () => {
    await declare(ci)
    await declare({ ...ci, password: 'second', admin: true })
    expect(await verifyPassword('second', await hash())).toBe(true)
    expect(await verifyPassword('first', await hash())).toBe(false)
    expect((await findUser(opened.db, 'ci'))?.admin).toBe(1)
  })

  test('may come with a hash, which is kept as it is', async () => {
    const passwordHash = await hashPassword('given')
    await declare({ ...ci, password: undefined, passwordHash })
    expect(await hash()).toBe(passwordHash)
  })

  test('take over who has the name, and nobody else', async () => {
    for (const name of ['ci', 'ann']) await insertUser(opened.db, { name, password_hash: 'x', admin: 0, created_at: 1 })
    await declare(ci)
    const places = (await listUsers(opened.db)).map(({ name, managed_by: place }) => [name, place])
    expect(places).toEqual([
      ['ann', 'database'],
      ['ci', 'file'],
    ])
    expect(await verifyPassword('first', await hash())).toBe(true)
  })

  test('are removed when the file has them no longer, and those made by hand stay', async () => {
    await insertUser(opened.db, { name: 'ann', password_hash: 'x', admin: 0, created_at: 1 })
    await declare(ci)
    await declare()
    expect((await listUsers(opened.db)).map(({ name }) => name)).toEqual(['ann'])
  })
})
