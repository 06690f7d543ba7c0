import { describe, expect, test } from 'bun:test'
import { AppError } from '../errors.ts'
import { type AuthenticatorOptions, createAuthenticator, nobodyIsAsked } from './authenticator.ts'
import type { UserSource, Verdict } from './sources.ts'

const here = '192.0.2.1'
const basic = (username: string, password: string) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

/** A source over a plain table, which notes what it was asked and answers when it is let. */
function tableSource(users: Record<string, string>, name = 'table') {
  const asked: string[] = []
  const decoys: string[] = []
  let generation = 0
  let held: Promise<void> = Promise.resolve()
  const source: UserSource = {
    name,
    generation: () => generation,
    async verify(username, password): Promise<Verdict> {
      asked.push(username)
      const known = users[username]
      await held
      if (known === undefined) return 'unknown'
      return known === password ? { name: username, admin: username === 'root' } : 'wrong'
    },
    async decoy(username) {
      decoys.push(username)
    },
    close: async () => {},
  }
  return {
    source,
    asked,
    decoys,
    change(edit: () => void) {
      edit()
      generation++
    },
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      return resolve
    },
    users,
  }
}

function open(users: Record<string, string> = { alice: 'secret' }, options: Partial<AuthenticatorOptions> = {}) {
  let time = 0
  const table = tableSource(users)
  const authenticator = createAuthenticator({ sources: [table.source], realm: 'Registry', now: () => time, ...options })
  return {
    ...table,
    authenticator,
    enter: (username: string, password: string, address = here) =>
      authenticator.authenticate(basic(username, password), { clientAddress: address }),
    pass: (seconds: number) => (time += seconds * 1000),
  }
}

/** The code of the error that a login ends with, or `in`. */
async function outcome(attempt: () => unknown): Promise<string> {
  try {
    await attempt()
    return 'in'
  } catch (error) {
    return error instanceof AppError ? error.code : String(error)
  }
}

describe('authenticate', () => {
  test('takes absent credentials for anonymous', () => {
    expect(open().authenticator.authenticate(undefined, { clientAddress: here })).toEqual({ kind: 'anonymous' })
  })

  test('says who a user is', async () => {
    const { enter } = open({ alice: 'secret', root: 'top' })
    expect(await enter('alice', 'secret')).toMatchObject({ kind: 'user', name: 'alice', admin: false, groups: [] })
    expect(await enter('root', 'top')).toMatchObject({ kind: 'user', name: 'root', admin: true, groups: [] })
  })

  test.each([
    ['wrong password', 'alice', 'guess'],
    ['unknown name', 'mallory', 'guess'],
  ])('answers a %s with the same challenge', async (_what, username, password) => {
    const { enter, authenticator } = open()
    const error = await Promise.resolve(enter(username, password)).catch((reason) => reason)
    expect(error).toMatchObject({
      code: 'unauthenticated',
      message: 'the user name or the password is wrong',
      headers: { 'WWW-Authenticate': 'Basic realm="Registry"' },
    })
    expect(authenticator.challenge).toBe('Basic realm="Registry"')
  })

  test('answers malformed credentials without asking a source, and with the challenge', async () => {
    const { authenticator, asked } = open()
    for (const header of ['', 'Bearer token', 'Basic', 'Basic !!', basic('', 'x')]) {
      const error = await Promise.resolve(authenticator.authenticate(header, { clientAddress: here })).catch(
        (reason) => reason,
      )
      expect(error).toMatchObject({
        code: 'unauthenticated',
        headers: { 'WWW-Authenticate': 'Basic realm="Registry"' },
      })
    }
    expect(asked).toEqual([])
  })

  test('passes on that a source cannot tell, without counting a failure or letting anyone in', async () => {
    const { source } = tableSource({ alice: 'secret' })
    const broken: UserSource = {
      ...source,
      verify: async () => {
        throw new AppError('unavailable', 'the directory does not answer')
      },
    }
    const authenticator = createAuthenticator({ sources: [broken, source], realm: 'Registry' })
    for (let i = 0; i < 20; i++)
      expect(await outcome(() => authenticator.authenticate(basic('alice', 'secret'), { clientAddress: here }))).toBe(
        'unavailable',
      )
  })

  test('asks nobody and knows nobody when auth is none', () => {
    expect(nobodyIsAsked.authenticate(basic('alice', 'secret'), { clientAddress: here })).toEqual({ kind: 'anonymous' })
    expect(nobodyIsAsked.challenge).toBeUndefined()
  })
})

describe('sources in order', () => {
  test('the first that knows a name decides, also against it', async () => {
    const first = tableSource({ alice: 'one' })
    const second = tableSource({ alice: 'two', bob: 'two' })
    const authenticator = createAuthenticator({ sources: [first.source, second.source], realm: 'Registry' })
    expect(await outcome(() => authenticator.authenticate(basic('alice', 'two'), { clientAddress: here }))).toBe(
      'unauthenticated',
    )
    expect(second.asked).toEqual([])
    expect(await outcome(() => authenticator.authenticate(basic('bob', 'two'), { clientAddress: here }))).toBe('in')
    expect(first.asked).toEqual(['alice', 'bob'])
  })

  test('every refusal costs one piece of work in every source, wherever the name is known', async () => {
    const first = tableSource({ alice: 'one' })
    const second = tableSource({ bob: 'two' })
    const authenticator = createAuthenticator({ sources: [first.source, second.source], realm: 'Registry' })
    for (const name of ['alice', 'bob', 'mallory'])
      await outcome(() => authenticator.authenticate(basic(name, 'guess'), { clientAddress: here }))
    expect(first.decoys).toEqual(['bob', 'mallory'])
    expect(second.decoys).toEqual(['alice', 'mallory'])
  })
})

describe('a source that writes names in its own way', () => {
  /** Knows its users in capitals, too. */
  function directory(users: Record<string, string>) {
    const { source } = tableSource(users, 'directory')
    return {
      ...source,
      verify: (username: string, password: string) => source.verify(username.toLowerCase(), password),
    }
  }

  test('lets them in under the name that it has for them', async () => {
    const sources = [tableSource({ root: 'top' }).source, directory({ alice: 'secret' })]
    const authenticator = createAuthenticator({ sources, realm: 'Registry' })
    expect(await authenticator.authenticate(basic('ALICE', 'secret'), { clientAddress: here })).toMatchObject({
      name: 'alice',
    })
  })

  test('lets nobody in under a name that belongs to a source before it', async () => {
    const sources = [tableSource({ root: 'top' }).source, directory({ root: 'secret' })]
    const authenticator = createAuthenticator({ sources, realm: 'Registry' })
    for (const name of ['root', 'ROOT'])
      expect(await outcome(() => authenticator.authenticate(basic(name, 'secret'), { clientAddress: here }))).toBe(
        'unauthenticated',
      )
    expect(await outcome(() => authenticator.authenticate(basic('root', 'top'), { clientAddress: here }))).toBe('in')
  })
})

describe('a source on another machine', () => {
  test('holds up nobody whom a source before it knows, however slow it is', async () => {
    const local = tableSource({ root: 'top' })
    const far = tableSource({ alice: 'secret' }, 'directory')
    const sources = [local.source, { ...far.source, remote: true }]
    const verifications = { atOnce: 1, waiting: 2 }
    const authenticator = createAuthenticator({ sources, realm: 'Registry', verifications })
    const release = far.hold()
    const enter = (name: string, password: string, i: number) =>
      outcome(() => authenticator.authenticate(basic(name, password), { clientAddress: `192.0.2.${i}` }))
    const waiting: Promise<string>[] = []
    for (let i = 0; i < 20; i++) {
      waiting.push(enter('alice', i === 7 ? 'secret' : `guess${i}`, i))
      expect(await enter('root', 'top', 100 + i)).toBe('in')
    }
    release()
    expect((await Promise.all(waiting)).filter((answer) => answer === 'in')).toHaveLength(1)
  })

  test('has a queue of its own, which ends somewhere', async () => {
    const far = tableSource({ alice: 'secret' }, 'directory')
    const authenticator = createAuthenticator({
      sources: [{ ...far.source, remote: true }],
      realm: 'Registry',
      remoteVerifications: { atOnce: 2, waiting: 3 },
    })
    const release = far.hold()
    const answers = Array.from({ length: 8 }, (_, i) =>
      outcome(() => authenticator.authenticate(basic(`user${i}`, 'x'), { clientAddress: `192.0.2.${i}` })),
    )
    release()
    expect((await Promise.all(answers)).filter((answer) => answer === 'throttled')).toHaveLength(3)
  })
})

describe('memory of successes', () => {
  test('answers the same header without waiting and without asking again, for a minute', async () => {
    const { enter, asked, pass } = open()
    const principal = await enter('alice', 'secret')
    pass(59)
    expect(enter('alice', 'secret')).toBe(principal)
    expect(enter('alice', 'secret', '198.51.100.7')).toBe(principal)
    expect(asked.length).toBe(1)
    pass(2)
    expect(enter('alice', 'secret')).toBeInstanceOf(Promise)
    expect(asked.length).toBe(2)
  })

  test('never remembers a failure', async () => {
    const { enter, users, asked } = open({})
    expect(await outcome(() => enter('alice', 'secret'))).toBe('unauthenticated')
    users.alice = 'secret'
    expect(await outcome(() => enter('alice', 'secret'))).toBe('in')
    expect(asked.length).toBe(2)
  })

  test('ends the moment the users change', async () => {
    const { enter, users, change } = open({ alice: 'secret', bob: 'secret' })
    await enter('alice', 'secret')
    await enter('bob', 'secret')
    change(() => delete users.alice)
    expect(await outcome(() => enter('alice', 'secret'))).toBe('unauthenticated')
    expect(await outcome(() => enter('bob', 'secret'))).toBe('in')
  })

  test('does not keep a success that was under way while the users changed', async () => {
    const { enter, users, change, hold } = open()
    const release = hold()
    const before = enter('alice', 'secret')
    change(() => delete users.alice)
    const after = outcome(() => enter('alice', 'secret'))
    release()
    expect(await before).toMatchObject({ name: 'alice' })
    expect(await after).toBe('unauthenticated')
    expect(await outcome(() => enter('alice', 'secret'))).toBe('unauthenticated')
  })

  test('is bounded, and forgets the oldest first', async () => {
    const users = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`user${i}`, 'secret']))
    const { enter, asked } = open(users, { cacheEntries: 10 })
    for (const name of Object.keys(users)) await enter(name, 'secret')
    for (const name of Object.keys(users).slice(1)) await enter(name, 'secret')
    expect(asked.length).toBe(11)
    await enter('user0', 'secret')
    expect(asked.length).toBe(12)
  })
})

describe('single flight', () => {
  test('verifies a burst of the same credentials once, from any address', async () => {
    const { enter, asked } = open()
    const burst = await Promise.all(Array.from({ length: 100 }, (_, i) => enter('alice', 'secret', `192.0.2.${i}`)))
    expect(asked).toEqual(['alice'])
    expect(new Set(burst).size).toBe(1)
  })

  test('counts a burst of the same wrong password as one failure', async () => {
    const { enter, asked } = open()
    const burst = await Promise.all(Array.from({ length: 100 }, () => outcome(() => enter('alice', 'guess'))))
    expect(new Set(burst)).toEqual(new Set(['unauthenticated']))
    expect(asked).toEqual(['alice'])
    expect(await outcome(() => enter('alice', 'secret'))).toBe('in')
  })
})

describe('guessing', () => {
  test('is answered unheard after ten failures, with the time to wait', async () => {
    const { enter, asked } = open()
    for (let i = 0; i < 10; i++) expect(await outcome(() => enter('alice', `guess${i}`))).toBe('unauthenticated')
    const error = await Promise.resolve(enter('alice', 'secret')).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'throttled', headers: { 'Retry-After': '1' } })
    expect(asked.length).toBe(10)
  })

  test('does not lock out who comes from elsewhere, or is remembered', async () => {
    const { enter } = open()
    const elsewhere = '198.51.100.7'
    for (let i = 0; i < 15; i++) await outcome(() => enter('alice', `guess${i}`))
    expect(await outcome(() => enter('alice', 'secret'))).toBe('throttled')
    expect(await outcome(() => enter('alice', 'secret', elsewhere))).toBe('in')
    expect(await outcome(() => enter('alice', 'secret'))).toBe('in')
  })

  test('treats a name that nobody has like one that somebody has', async () => {
    const { enter } = open()
    const answers = async (name: string) => {
      const all: string[] = []
      for (let i = 0; i < 12; i++) all.push(await outcome(() => enter(name, `guess${i}`)))
      return all
    }
    expect(await answers('mallory')).toEqual(await answers('alice'))
  })

  test('cannot get ahead of the count by asking all at once', async () => {
    const { enter, asked } = open({ alice: 'secret' }, { verifications: { atOnce: 2, waiting: 100 } })
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => outcome(() => enter('alice', `guess${i}`))))
    expect(answers.filter((answer) => answer === 'throttled').length).toBeGreaterThan(45)
    expect(asked.length).toBeLessThanOrEqual(11)
  })

  test('fills no more than the queue: what does not fit is told to come back', async () => {
    const { enter, hold, asked } = open({ alice: 'secret' }, { verifications: { atOnce: 2, waiting: 3 } })
    const release = hold()
    const flood = Array.from({ length: 8 }, (_, i) => outcome(() => enter(`user${i}`, 'guess', `192.0.2.${i}`)))
    const overflow = await Promise.resolve(enter('alice', 'secret', '198.51.100.7')).catch((reason) => reason)
    expect(overflow).toMatchObject({ code: 'throttled', headers: { 'Retry-After': '1' } })
    expect(asked.length).toBe(2)
    release()
    const answers = await Promise.all(flood)
    expect(answers.filter((answer) => answer === 'throttled').length).toBe(3)
    expect(await outcome(() => enter('alice', 'secret', '198.51.100.7'))).toBe('in')
  })
})
