import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { silentLog } from '../telemetry/log.ts'
import { createFirstAdmin } from './first-admin.ts'
import { createLocalUsers, type LocalUser, type UserStore } from './local-users.ts'
import { verifyPassword } from './passwords.ts'
import { databaseUserStore } from './user-store.ts'

describeOnEachDatabase('local users', (open) => {
  let opened: TestDatabase
  let dataDir: string
  let logged: string[]
  beforeEach(async () => {
    opened = await open()
    dataDir = fs.mkdtempSync(join(tmpdir(), 'entrepot-admin-'))
    logged = []
  })
  afterEach(async () => {
    await opened.close()
    fs.rmSync(dataDir, { recursive: true })
  })
  const openStore = () => databaseUserStore(opened.db)

  describe('as a source', () => {
    test('know their password and whether they are admin', async () => {
      const users = createLocalUsers(openStore())
      expect(await users.add({ name: 'root', password: 'secret', admin: true })).toBe(true)
      expect(await users.verify('root', 'secret')).toMatchObject({ name: 'root', admin: true })
      expect(await users.verify('root', 'guess')).toBe('wrong')
      expect(await users.verify('alice', 'secret')).toBe('unknown')
    })

    test('every change moves the generation, so that no remembered login outlives it', async () => {
      const users = createLocalUsers(openStore())
      const seen = [users.generation()]
      await users.add({ name: 'alice', password: 'one', admin: false })
      seen.push(users.generation())
      expect(await users.setPassword('alice', 'two')).toBe(true)
      seen.push(users.generation())
      expect(await users.verify('alice', 'one')).toBe('wrong')
      expect(await users.remove('alice')).toBe(true)
      seen.push(users.generation())
      expect(new Set(seen).size).toBe(4)
    })

    test('cannot be added twice, nor changed or removed when absent', async () => {
      const users = createLocalUsers(openStore())
      await users.add({ name: 'alice', password: 'one', admin: false })
      expect(await users.add({ name: 'alice', password: 'two', admin: true })).toBe(false)
      expect(await users.verify('alice', 'one')).toMatchObject({ name: 'alice', admin: false })
      expect(await users.setPassword('bob', 'x')).toBe(false)
      expect(await users.remove('bob')).toBe(false)
      expect(await openStore().list()).toMatchObject([{ name: 'alice', admin: false }])
    })
  })

  describe('createFirstAdmin', () => {
    const note = (message: string) => void logged.push(message)
    const create = (store: UserStore, folder = dataDir) =>
      createFirstAdmin({ store, dataDir: folder, log: { ...silentLog, info: note, warn: note } })
    const file = () => join(dataDir, 'admin.password')

    test('creates admin with a random password in a file only the owner can read', async () => {
      const store = openStore()
      const { name, password, file: where } = (await create(store))!
      expect([name, where]).toEqual(['admin', file()])
      expect(password).toMatch(/^\w{24}$/)
      expect(fs.readFileSync(file(), 'utf8')).toBe(`${password}\n`)
      expect(fs.statSync(file()).mode & 0o777).toBe(0o600)
      expect(fs.readdirSync(dataDir)).toEqual(['admin.password'])
      const [admin] = await store.list()
      expect(admin).toMatchObject({ name: 'admin', admin: true })
      expect(admin!.passwordHash).toStartWith('$argon2id$')
      expect(await verifyPassword(password, admin!.passwordHash)).toBe(true)
      expect(logged.join()).not.toContain(password)
    })

    test('does nothing once there is a user, even when the file was deleted', async () => {
      const store = openStore()
      await create(store)
      fs.rmSync(file())
      expect(await create(store)).toBeUndefined()
      expect(fs.existsSync(file())).toBe(false)
      expect(await store.count()).toBe(1)
    })

    test('uses the password of a file that is there without a user, as after a crash in between', async () => {
      fs.writeFileSync(file(), 'chosen beforehand\n', { mode: 0o600 })
      expect(await create(openStore())).toMatchObject({ password: 'chosen beforehand' })
      expect(logged).toEqual([expect.stringContaining('password that is in this file')])
    })

    test('warns of a file that others can read', async () => {
      fs.writeFileSync(file(), 'chosen beforehand\n')
      fs.chmodSync(file(), 0o644)
      await create(openStore())
      expect(logged).toContainEqual(expect.stringContaining('chmod 600'))
    })

    test.each(['', 'short\n', 'two\nlines of it\n'])(
      'refuses a file that holds %j, and says what to do',
      async (text) => {
        fs.writeFileSync(file(), text, { mode: 0o600 })
        const store = openStore()
        await expect(create(store)).rejects.toThrow(
          expect.objectContaining({ code: 'unavailable', message: expect.stringContaining('delete the file') }),
        )
        expect(await store.count()).toBe(0)
      },
    )

    test('of several instances on one folder one creates, and the file holds the password that counts', async () => {
      const store = openStore()
      const made = await Promise.all(Array.from({ length: 5 }, () => create(store)))
      expect(made.filter((admin) => admin !== undefined).length).toBe(1)
      const password = fs.readFileSync(file(), 'utf8').trim()
      expect(await verifyPassword(password, (await store.find('admin'))!.passwordHash)).toBe(true)
    })

    test('the instance that made the file leaves it when another was faster with the same password', async () => {
      const store = openStore()
      const { promise: added, resolve } = Promise.withResolvers<void>()
      const slow = { ...store, add: (user: LocalUser) => added.then(() => store.add(user)) }
      const maker = create(slow)
      const faster = await create(store)
      resolve()
      expect(await maker).toBeUndefined()
      expect(fs.readFileSync(file(), 'utf8').trim()).toBe(faster!.password)
    })

    test('of two instances on two folders one creates, and the other leaves no file that would mislead', async () => {
      const store = openStore()
      const folders = ['a', 'b'].map((name) => join(dataDir, name))
      const made = await Promise.all(folders.map((folder) => create(store, folder)))
      const files = folders.filter((folder) => fs.existsSync(join(folder, 'admin.password')))
      expect(made.filter((admin) => admin !== undefined).length).toBe(1)
      expect(files).toEqual(folders.filter((_, i) => made[i] !== undefined))
    })
  })
})
