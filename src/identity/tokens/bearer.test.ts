import { describe, expect, test } from 'bun:test'
import { AppError } from '../../errors.ts'
import type { Authenticator, Principal } from '../principal.ts'
import type { UserSource } from '../sources.ts'
import { asOfNow, withBearer } from './bearer.ts'

const client = { clientAddress: '192.0.2.1' }
const ada: Principal = { kind: 'user', name: 'ada', admin: false, groups: [], credential: 'local:one', scopes: [] }

function open() {
  let time = 1_000_000
  let generation = 0
  const verified: string[] = []
  const source = { name: 'local', generation: () => generation } as UserSource
  const passwords: Authenticator = {
    challenge: 'Basic realm="Test"',
    authenticate: (credentials) => {
      if (credentials === undefined) return { kind: 'anonymous' }
      return { ...ada, name: 'by password' }
    },
    close: async () => {},
  }
  const { authenticate } = withBearer({
    passwords,
    sources: [source],
    challenge: undefined,
    cacheSeconds: 60,
    cacheEntries: 3,
    now: () => time,
    async verify(token) {
      verified.push(token)
      if (!token.startsWith('good')) throw new AppError('unauthenticated', 'no')
      return { principal: ada, expiresAt: 1_000_000 + (token.endsWith('short') ? 5_000 : 300_000) }
    },
  })
  return {
    verified,
    show: async (credentials: string | undefined) => authenticate(credentials, client),
    wait: (ms: number) => {
      time += ms
    },
    change: () => generation++,
  }
}

describe('Bearer tokens', () => {
  test('are told from passwords by the scheme alone, in any case', async () => {
    const { show, verified } = open()
    expect(await show(undefined)).toEqual({ kind: 'anonymous' })
    expect(await show('Basic x')).toMatchObject({ name: 'by password' })
    expect(await show('nonsense')).toMatchObject({ name: 'by password' })
    for (const form of ['Bearer good', 'bearer good', ' BEARER   good '])
      expect(await show(form)).toMatchObject({ name: 'ada' })
    expect(verified).toEqual(['good', 'good', 'good'])
  })

  test('are verified once a minute, and never after their end', async () => {
    const { show, verified, wait } = open()
    await show('Bearer good')
    wait(59_999)
    await show('Bearer good')
    expect(verified).toHaveLength(1)
    wait(1)
    await show('Bearer good')
    expect(verified).toHaveLength(2)

    const short = open()
    await short.show('Bearer good short')
    short.wait(5_000)
    await short.show('Bearer good short')
    expect(short.verified).toHaveLength(2)
  })

  test('are verified anew as soon as a source has changed', async () => {
    const { show, verified, change } = open()
    await show('Bearer good')
    change()
    await show('Bearer good')
    expect(verified).toHaveLength(2)
  })

  test('that do not hold are not remembered, and those that do only up to a number', async () => {
    const { show, verified } = open()
    await expect(show('Bearer bad')).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(show('Bearer bad')).rejects.toMatchObject({ code: 'unauthenticated' })
    for (const token of ['good 1', 'good 2', 'good 3', 'good 4']) await show(`Bearer ${token}`)
    await show('Bearer good 4')
    await show('Bearer good 1')
    expect(verified).toEqual(['bad', 'bad', 'good 1', 'good 2', 'good 3', 'good 4', 'good 1'])
  })
})

describe('a principal as of now', () => {
  const finding = (find: UserSource['find']) => [{ name: 'local', generation: () => 0, find } as UserSource]

  test('is what the source says today', async () => {
    const sources = finding(async (name) => ({ name, admin: true, groups: ['new'], credential: 'one' }))
    expect(await asOfNow(ada, sources)).toMatchObject({ name: 'ada', admin: true, groups: ['new'], scopes: [] })
  })

  test('is gone with the user, with the password, or with the source', async () => {
    const asked: (string | undefined)[] = []
    const gone = finding(async (_, credential) => {
      asked.push(credential)
      return undefined
    })
    expect(await asOfNow(ada, gone)).toBeUndefined()
    expect(asked).toEqual(['one'])
    expect(await asOfNow(ada, [])).toBeUndefined()
  })

  test('is who it was where the source cannot tell', async () => {
    expect(await asOfNow(ada, finding(undefined))).toBe(ada)
    expect(await asOfNow({ kind: 'anonymous', scopes: [] }, [])).toEqual({ kind: 'anonymous', scopes: [] })
  })
})
