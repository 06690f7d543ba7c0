import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/helpers/databases.ts'
import { createLocalUsers } from '../local-users.ts'
import { databaseUserStore } from '../user-store.ts'
import { createAccessTokens, type NewAccessToken } from './access-tokens.ts'
import { createRobots, isRobotName, robotNameOf } from './robots.ts'
import { createSecret, hashSecret } from './secret.ts'
import { createTokenSource } from './token-source.ts'

const limits = [{ repository: 'private', images: ['team/**'], actions: ['pull'] }]

describeOnEachDatabase('access tokens', (openDatabase) => {
  let database: TestDatabase
  let time = Date.parse('2027-01-01')
  const now = () => time
  beforeAll(async () => {
    database = await openDatabase()
    await createLocalUsers(databaseUserStore(database.db)).add({ name: 'ada', password: 'good password', admin: true })
  })
  afterAll(() => database.close())

  function open(db = database.db) {
    const tokens = createAccessTokens(db, now)
    const users = createLocalUsers(databaseUserStore(db))
    const isUser = async (name: string) => (await users.find?.(name)) !== undefined
    const robots = createRobots({ db, tokens, namePattern: 'robot-*', isUser, now })
    return { tokens, users, robots, source: createTokenSource({ tokens, robots, owners: [users], now }) }
  }
  const ofAda = (more: Partial<NewAccessToken> = {}): NewAccessToken => ({
    owner: { kind: 'user', name: 'ada' },
    name: 'laptop',
    ...more,
  })

  test('open what their owner may, within their limits', async () => {
    const { tokens, source } = open()
    const { token, secret } = await tokens.create(ofAda({ limits }))
    expect(await source.verify('ada', secret)).toEqual({
      name: 'ada',
      admin: true,
      groups: [],
      limits,
      credential: String(token.id),
    })
    expect(await source.find!('ada', String(token.id))).toMatchObject({ name: 'ada', limits })
  })

  test('are stored as nothing but a hash', async () => {
    const { tokens } = open()
    const { token, secret } = await tokens.create(ofAda())
    const rows = await database.db.queries.selectFrom('access_tokens').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(secret.slice(0, 20))
    expect(rows.find(({ id }) => Number(id) === token.id)?.hash).toBe(hashSecret(secret))
    expect(JSON.stringify(await tokens.list())).not.toContain(hashSecret(secret))
  })

  test('that nobody has, or with another name, are left to the other sources', async () => {
    const { tokens, source } = open()
    const { secret } = await tokens.create(ofAda())
    expect(await source.verify('ada', createSecret())).toBe('unknown')
    expect(await source.verify('bob', secret)).toBe('unknown')
    expect(await source.verify('ada', 'good password')).toBe('unknown')
    expect(await source.find!('bob', '1')).toBeUndefined()
    expect(await source.find!('ada', 'nonsense')).toBeUndefined()
  })

  test('open nothing once revoked, and not even the instance that had them in memory is asked twice', async () => {
    const { tokens, source } = open()
    const { token, secret } = await tokens.create(ofAda())
    const before = source.generation()
    expect(await tokens.revoke(token.id)).toBe(true)
    expect(source.generation()).toBeGreaterThan(before)
    expect(await source.verify('ada', secret)).toBe('wrong')
    expect(await source.find!('ada', String(token.id))).toBeUndefined()
    expect(await tokens.revoke(token.id)).toBe(false)
    expect(await tokens.revoke(999_999)).toBe(false)
  })

  test('revoked by another instance are noticed at the next look', async () => {
    const here = open()
    const there = open(await database.again())
    await there.tokens.lookForChanges()
    await there.tokens.lookForChanges()
    const before = there.source.generation()
    await there.tokens.lookForChanges()
    expect(there.source.generation()).toBe(before)
    const { token } = await here.tokens.create(ofAda())
    await here.tokens.revoke(token.id)
    // A SQLite file says within 100 ms that somebody else has written to it.
    await Bun.sleep(150)
    await there.tokens.lookForChanges()
    expect(there.source.generation()).toBeGreaterThan(before)
  })

  test('expire', async () => {
    const { tokens, source } = open()
    const { secret } = await tokens.create(ofAda({ expiresAt: time + 1000 }))
    expect(await source.verify('ada', secret)).toMatchObject({ name: 'ada' })
    time += 1000
    expect(await source.verify('ada', secret)).toBe('wrong')
    await expect(tokens.create(ofAda({ expiresAt: time }))).rejects.toMatchObject({ code: 'request-invalid' })
  })

  test('remember when they were used, written together', async () => {
    const { tokens, source } = open()
    const { token, secret } = await tokens.create(ofAda())
    await source.verify('ada', secret)
    expect((await tokens.find(token.id))?.lastUsedAt).toBeUndefined()
    await tokens.flush()
    expect((await tokens.find(token.id))?.lastUsedAt).toBe(time)
  })

  test('go with their owner, and do not open a later one of that name', async () => {
    const { tokens, users, source } = open()
    await users.add({ name: 'eve', password: 'good password', admin: false })
    const { secret } = await tokens.create(ofAda({ owner: { kind: 'user', name: 'eve' } }))
    expect(await source.verify('eve', secret)).toMatchObject({ name: 'eve', admin: false })
    await users.remove('eve')
    expect(await source.verify('eve', secret)).toBe('unknown')
    await users.add({ name: 'eve', password: 'good password', admin: false })
    expect(await source.verify('eve', secret)).toBe('unknown')
  })

  test.each([
    [{ name: '' }, 'needs a name'],
    [{ name: 'a\nb' }, 'needs a name'],
    [{ limits: [] }, '1 to 100 limits'],
    [{ limits: [{ repository: 'a', images: [], actions: [] }] }, 'actions'],
    [{ limits: [{ repository: 'a', images: [], actions: ['own'] }] }, 'not "own"'],
    [{ limits: [{ repository: 'a', images: ['A b'], actions: ['pull'] }] }, 'no image pattern'],
    [{ owner: { kind: 'robot', name: 'robot-x' } }, 'needs limits'],
  ] as [Partial<NewAccessToken>, string][])('of the form %j are refused', async (more, message) => {
    await expect(open().tokens.create(ofAda(more))).rejects.toThrow(message)
  })

  describe('of robots', () => {
    test('open what they say and nothing while the robot is disabled', async () => {
      const { tokens, robots, source } = open()
      await robots.create({ name: 'robot-ci', description: 'builds' })
      const { secret } = await tokens.create({ owner: { kind: 'robot', name: 'robot-ci' }, name: 'first', limits })
      expect(await source.verify('robot-ci', secret)).toMatchObject({
        kind: 'robot',
        name: 'robot-ci',
        admin: false,
        limits,
      })
      expect(await robots.setDisabled('robot-ci', true)).toBe(true)
      expect(await source.verify('robot-ci', secret)).toBe('wrong')
      await robots.setDisabled('robot-ci', false)
      expect(await source.verify('robot-ci', secret)).toMatchObject({ name: 'robot-ci' })
      expect(await robots.remove('robot-ci')).toBe(true)
      await robots.create({ name: 'robot-ci' })
      expect(await source.verify('robot-ci', secret)).toBe('unknown')
      expect(await robots.list()).toMatchObject([{ name: 'robot-ci', disabled: false, description: '' }])
    })

    test('cannot be called like a user, like another robot, or against the pattern', async () => {
      const { robots, users } = open()
      await users.add({ name: 'robot-person', password: 'good password', admin: false })
      await expect(robots.create({ name: 'robot-person' })).rejects.toThrow('there is a user')
      await robots.create({ name: 'robot-twin' })
      await expect(robots.create({ name: 'robot-twin' })).rejects.toThrow('already')
      for (const name of ['ci', 'robot-', 'robot-a:b'])
        await expect(robots.create({ name })).rejects.toMatchObject({ code: 'request-invalid' })
    })
  })
})

test('a word becomes the name of a robot once', () => {
  expect(robotNameOf('ci', 'robot-*')).toBe('robot-ci')
  expect(robotNameOf('robot-ci', 'robot-*')).toBe('robot-ci')
  expect(robotNameOf('ci', 'robot$*')).toBe('robot$ci')
  expect(robotNameOf('$&', '*.bot')).toBe('$&.bot')
  expect(isRobotName('robot-', 'robot-*')).toBe(false)
})
