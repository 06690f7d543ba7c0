import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { openTestSqlite, type TestDatabase } from '../../../test/helpers/databases.ts'
import { deleteOidcUser } from '../../database/oidc-users.ts'
import { silentLog } from '../../telemetry/log.ts'
import { isKnown, type UserRecord, type UserSource } from '../sources.ts'
import { asOfNow } from '../tokens/bearer.ts'
import { besideProvider } from './beside.ts'
import type { OidcIdentity } from './provider.ts'
import { createOidcUsers } from './users.ts'

/** Who is in the directory; undefined: there, and not allowed to log in. */
const people = new Map<string, UserRecord | undefined>()
const directory: UserSource = {
  name: 'ldap',
  remote: true,
  generation: () => 0,
  verify: async (name, password) => {
    if (!people.has(name)) return 'unknown'
    return password === 'secret' ? (people.get(name) ?? 'wrong') : 'wrong'
  },
  decoy: async () => {},
  find: async (name) => people.get(name),
  close: async () => {},
}
const identity = (name: string, more: Partial<OidcIdentity> = {}): OidcIdentity => ({
  issuer: 'https://login.example.com',
  subject: `subject of ${name}`,
  name,
  mail: undefined,
  groups: ['provider-group'],
  admin: false,
  ...more,
})

describe('a provider beside a directory', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await openTestSqlite()
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    people.clear()
    people.set('ada', { name: 'ada', admin: false, groups: ['directory-group'] })
    people.set('boss', { name: 'boss', admin: true, groups: [] })
    people.set('left', undefined)
    for (const name of ['ada', 'boss', 'left', 'eve']) await deleteOidcUser(database.db.queries, name)
  })

  const open = (isSame: boolean) => {
    const source = besideProvider(directory, { db: database.db, log: silentLog, isSame })
    const isTaken = (name: string) => isKnown(name, isSame ? [] : [source])
    const users = createOidcUsers({ db: database.db, now: Date.now, isTaken, sameAs: isSame ? [source] : [] })
    return { source, users }
  }

  describe('that are not said to be the same', () => {
    test('gives nobody the name of somebody in the directory', async () => {
      const { users } = open(false)
      for (const name of ['ada', 'left'])
        expect(await users.enter(identity(name)).catch((error) => error.code)).toBe('denied')
    })

    test('lets nobody of the directory become somebody whom the provider has let in', async () => {
      const { source, users } = open(false)
      await users.enter(identity('eve'))
      people.set('eve', { name: 'eve', admin: true, groups: ['directory-group'] })
      expect(await source.verify('eve', 'secret')).toBe('wrong')
      expect(await source.find!('eve')).toBeUndefined()
      expect(await source.verify('ada', 'secret')).toMatchObject({ name: 'ada' })
    })
  })

  describe('that are said to be the same', () => {
    test('makes one person of both, with the groups of both and the rights of either', async () => {
      const { source, users } = open(true)
      const both = ['directory-group', 'provider-group']
      const entered = await users.enter(identity('ada'))
      expect([...entered.groups].sort()).toEqual(both)
      expect(entered.admin).toBe(false)
      const byPassword = await source.verify('ada', 'secret')
      expect([...((byPassword as UserRecord).groups ?? [])].sort()).toEqual(both)
      expect((await users.enter(identity('boss'))).admin).toBe(true)
      await users.enter(identity('ada', { admin: true, groups: [] }))
      expect(await source.verify('ada', 'secret')).toMatchObject({ admin: true, groups: ['directory-group'] })
    })

    test('lets nobody in whom the directory keeps out', async () => {
      const { users } = open(true)
      expect(await users.enter(identity('left')).catch((error) => error.code)).toBe('denied')
      await users.enter(identity('ada'))
      people.set('ada', undefined)
      expect(await users.enter(identity('ada')).catch((error) => error.code)).toBe('denied')
    })

    test('lets in who is in no directory', async () => {
      expect(await open(true).users.enter(identity('eve'))).toMatchObject({ name: 'eve', groups: ['provider-group'] })
    })

    test('forgets at the next look who has left the directory since they logged in', async () => {
      const { users } = open(true)
      const principal = await users.enter(identity('ada'))
      expect(await asOfNow(principal, [users])).toMatchObject({ name: 'ada' })
      people.delete('ada')
      expect(await asOfNow(principal, [users])).toBeUndefined()
    })

    test('gives nobody the name of another person at the provider', async () => {
      const { users } = open(true)
      await users.enter(identity('ada'))
      const other = identity('ada', { subject: 'somebody else' })
      expect(await users.enter(other).catch((error) => error.code)).toBe('denied')
    })
  })

  test('knows nobody who was removed here, and lets a session of theirs end', async () => {
    const { users } = open(false)
    const principal = await users.enter(identity('eve', { groups: [] }))
    expect(await asOfNow(principal, [users])).toMatchObject({ name: 'eve', kind: 'user' })
    await deleteOidcUser(database.db.queries, 'eve')
    expect(await asOfNow(principal, [users])).toBeUndefined()
  })
})
