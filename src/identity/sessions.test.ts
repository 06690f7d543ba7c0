import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { openTestSqlite, type TestDatabase } from '../../test/helpers/databases.ts'
import type { KnownPrincipal } from './principal.ts'
import { createSessions, type Sessions } from './sessions.ts'

const minute = 60_000
const ada: KnownPrincipal = { kind: 'user', name: 'ada', admin: true, groups: ['old'], credential: 'local:one' }

describe('sessions', () => {
  let database: TestDatabase
  let time: number
  let generation: number
  let asked: KnownPrincipal[]
  let answer: () => Promise<KnownPrincipal | undefined>
  let sessions: Sessions
  beforeAll(async () => {
    database = await openTestSqlite()
  })
  afterAll(() => database.close())
  beforeEach(() => {
    time = 1_700_000_000_000
    generation = 0
    asked = []
    answer = async () => ({ ...ada, admin: false, groups: ['new'] })
    sessions = open()
  })

  /** One instance. */
  const open = () =>
    createSessions({
      db: database.db,
      now: () => time,
      idleMs: 10 * minute,
      longestMs: 60 * minute,
      generation: () => generation,
      current: (principal) => {
        asked.push(principal)
        return answer()
      },
    })
  const begin = (principal = ada) =>
    sessions.begin({ principal, source: 'password', address: '192.0.2.1', userAgent: 'test' })

  test('tell who their user is now, not who they were', async () => {
    const { secret } = await begin()
    expect((await sessions.find(secret))?.principal).toMatchObject({ name: 'ada', admin: false, groups: ['new'] })
    expect(asked).toMatchObject([{ name: 'ada', credential: 'local:one' }])
  })

  test('ask once a minute, however often they are used', async () => {
    const { secret } = await begin()
    await Promise.all(Array.from({ length: 20 }, () => sessions.find(secret)))
    time += minute - 1
    await sessions.find(secret)
    expect(asked).toHaveLength(1)
    time += 1
    await sessions.find(secret)
    expect(asked).toHaveLength(2)
  })

  test('end within a minute when their user is gone, for good and on every instance', async () => {
    const { secret } = await begin()
    await sessions.find(secret)
    answer = async () => undefined
    expect(await sessions.find(secret)).toBeDefined()
    time += minute
    expect(await sessions.find(secret)).toBeUndefined()
    answer = async () => ada
    expect(await sessions.find(secret)).toBeUndefined()
    expect(await open().find(secret)).toBeUndefined()
  })

  test('end at once where the change was made', async () => {
    const { secret } = await begin()
    await sessions.find(secret)
    answer = async () => undefined
    generation += 1
    expect(await sessions.find(secret)).toBeUndefined()
  })

  test('stay while nobody can tell, and let nobody in meanwhile', async () => {
    const { secret } = await begin()
    const trouble = new Error('the directory is down')
    answer = () => Promise.reject(trouble)
    for (let tries = 0; tries < 2; tries++) expect(await sessions.find(secret).catch((error) => error)).toBe(trouble)
    answer = async () => ada
    expect(await sessions.find(secret)).toBeDefined()
  })

  test('of one user are ended together, but the one that asks for it', async () => {
    const other = await begin({ ...ada, name: 'bob' })
    const [one, two] = [await begin(), await begin()]
    expect(await sessions.endAllOf('ada', one.session.id)).toBeGreaterThan(0)
    expect(await sessions.find(one.secret)).toBeDefined()
    expect(await sessions.find(two.secret)).toBeUndefined()
    expect(await sessions.find(other.secret)).toBeDefined()
    expect(await sessions.endAllOf('ada')).toBe(1)
    expect(await sessions.find(one.secret)).toBeUndefined()
  })
})
