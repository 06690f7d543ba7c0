import { afterAll, beforeAll, expect, test } from 'bun:test'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/helpers/databases.ts'
import { anonymous } from '../principal.ts'
import { createTokenIssuer } from './issuer.ts'
import { openSigningKeys } from './signing-keys.ts'

const day = 86_400_000

describeOnEachDatabase('signing keys', (openDatabase) => {
  let database: TestDatabase
  let time = Date.parse('2027-01-01')
  beforeAll(async () => {
    database = await openDatabase()
  })
  afterAll(() => database.close())

  const settings = { now: () => time, lifetimeMs: 30 * day, overlapMs: 2 * day, sealer: { seal, open } }
  const openKeys = async (db = database.db) => openSigningKeys({ db, ...settings })
  const issuerOf = (keys: Awaited<ReturnType<typeof openKeys>>) =>
    createTokenIssuer({ keys, service: 'test', lifetimeMs: 300_000, refreshLifetimeMs: day, now: () => time })

  test('are one and the same for instances that start at once', async () => {
    const others = await Promise.all([database.again(), database.again()])
    const opened = await Promise.all([database.db, ...others].map(openKeys))
    expect(new Set(opened.map((keys) => keys.current().kid)).size).toBe(1)
    expect(opened[0]!.jwks().keys).toHaveLength(1)
  })

  test('are stored sealed, and published without their private part', async () => {
    const [row] = await database.db.queries.selectFrom('signing_keys').selectAll().execute()
    expect(row!.private_key.startsWith('sealed:')).toBe(true)
    const [published] = (await openKeys()).jwks().keys
    expect(published).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig', kid: row!.kid })
    expect(published).not.toHaveProperty('d')
  })

  test('that cannot be opened are told at start', async () => {
    const broken = { seal, open: () => 'nonsense' }
    const opening = openSigningKeys({ db: database.db, ...settings, sealer: broken })
    await expect(opening).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('get a successor that is public before it signs, and verify until what they signed has expired', async () => {
    const keys = await openKeys()
    const other = await openKeys(await database.again())
    const first = keys.current().kid
    const token = async () => (await issuerOf(keys).access(anonymous, [])).token

    time += 31 * day
    await keys.rotate()
    expect(keys.jwks().keys).toHaveLength(2)
    expect(keys.current().kid).toBe(first)
    time += 601_000
    const second = keys.current().kid
    expect(second).not.toBe(first)

    // The other instance has not looked since, and takes what the first one signs all the same.
    await Bun.sleep(1010)
    expect(await issuerOf(other).read(await token(), 'access')).toMatchObject({ iss: 'test' })

    time += day
    await keys.rotate()
    expect(keys.jwks().keys.map(({ kid }) => kid)).toEqual([first, second])
    time += 2 * day
    await keys.rotate()
    expect(keys.jwks().keys.map(({ kid }) => kid)).toEqual([second])
  })
})

function seal(text: string): string {
  return `sealed:${Buffer.from(text).toString('base64')}`
}

function open(envelope: string): string {
  return Buffer.from(envelope.slice('sealed:'.length), 'base64').toString()
}
