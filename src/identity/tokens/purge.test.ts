import { expect, test } from 'bun:test'
import { describeOnEachDatabase } from '../../../test/helpers/databases.ts'
import { createAccessTokens } from './access-tokens.ts'
import { createTokenPurge } from './purge.ts'

const day = 86_400_000

describeOnEachDatabase('the purge of access tokens', (openDatabase) => {
  test('forgets those that ended more than 90 days ago, unless the clock was set', async () => {
    const { db, close } = await openDatabase()
    try {
      let time = Date.parse('2027-01-01')
      let wrong = 0
      const now = () => time + wrong
      const tokens = createAccessTokens(db, now)
      const create = async (name: string, expiresAt?: number) =>
        (await tokens.create({ owner: { kind: 'user', name: 'ada' }, name, expiresAt })).token.id
      const revoked = await create('revoked')
      await create('expiring', time + 30 * day)
      await create('for ever')
      await tokens.revoke(revoked)
      const purge = createTokenPurge(db, now, () => time)
      const names = async () => (await tokens.list()).map(({ name }) => name)

      wrong = 365 * day
      expect(await purge()).toBe(0)
      wrong = 0
      time += 90 * day
      expect(await purge()).toBe(0)
      time += 1000
      expect(await purge()).toBe(1)
      expect(await names()).toEqual(['expiring', 'for ever'])
      time += 30 * day
      expect(await purge()).toBe(1)
      expect(await names()).toEqual(['for ever'])
    } finally {
      await close()
    }
  })
})
