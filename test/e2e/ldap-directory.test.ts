import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { createAuthenticator } from '../../src/identity/authenticator.ts'
import { createDirectory } from '../../src/identity/ldap/directory.ts'
import { tryLogin } from '../../src/identity/ldap/login.ts'
import { type DirectorySettings, directorySettings } from '../../src/identity/ldap/settings.ts'
import { createLdapSource, type LoginResult } from '../../src/identity/ldap/source.ts'
import { DirectoryTrouble } from '../../src/identity/ldap/trouble.ts'
import type { UserRecord, Verdict } from '../../src/identity/sources.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { testAuthority } from '../helpers/certificates.ts'
import { freePort, temporaryFolder } from '../helpers/process.ts'
import {
  groups,
  type OpenldapService,
  people,
  person,
  reader,
  startOpenldap,
  whyNoOpenldap,
} from '../services/openldap.ts'

const reason = await whyNoOpenldap()
const testMs = 60_000
/** Far more than a page of answers, and more than a server gives at once. */
const crowd = 5000

let server: OpenldapService
beforeAll(async () => {
  if (reason) return
  const bulk = Array.from({ length: crowd }, (_, i) => person(`user${i}`, 30_000 + i))
  server = await startOpenldap({ bulk, logged: true })
}, testMs)
afterAll(() => server?.stop(), testMs)

/** The settings of one directory, from what stands in a file. */
function settingsOf(ldap: Record<string, unknown>): DirectorySettings {
  return directorySettings(loadConfig({ text: stringify({ ldap }), env: {}, cwd: '/nowhere' }).config.ldap)[0]!
}

const usual = (more: Record<string, unknown> = {}) =>
  settingsOf({ url: `${server.tlsUrl}/${people}?uid`, ca: server.ca, ...reader, groups: { base: groups }, ...more })

/** Opens a source for as long as `use` takes. */
async function withSource<T>(
  settings: DirectorySettings,
  use: (enter: (name: string, password: string) => Promise<Verdict | string>, at: Clock) => Promise<T>,
): Promise<T> {
  const at: Clock = { time: 0, results: [] }
  const source = createLdapSource(settings, {
    log: silentLog,
    counted: (_directory, result) => at.results.push(result),
    now: () => at.time,
  })
  const enter = (name: string, password: string) =>
    source.verify(name, password).catch((error: { code: string }) => error.code)
  try {
    return await use(enter, at)
  } finally {
    await source.close()
  }
}

interface Clock {
  time: number
  results: LoginResult[]
}

const enterOnce = (settings: DirectorySettings, name: string, password: string) =>
  withSource(settings, (enter) => enter(name, password))

/** Every line that a login says. */
async function traceOf(settings: DirectorySettings, name: string, password?: string): Promise<string> {
  const lines: string[] = []
  const directory = createDirectory(settings)
  try {
    await tryLogin(directory, settings, name, password, (line) => lines.push(line))
  } catch (error) {
    if (!(error instanceof DirectoryTrouble)) throw error
    lines.push(error.message, error.advice)
  } finally {
    await directory.close()
  }
  return lines.join('\n')
}

describe.skipIf(reason !== undefined)(`users of a directory${reason ? `: ${reason}` : ''}`, () => {
  test('log in with their groups of every kind, and administer when their group does', async () => {
    const settings = usual({ admins: 'group registry-admins' })
    await withSource(settings, async (enter) => {
      expect(await enter('alice', 'alice-secret')).toEqual({
        name: 'alice',
        admin: true,
        groups: ['developers', 'registry-admins'],
      })
      expect(await enter('bob', 'bob-secret')).toEqual({ name: 'bob', admin: false, groups: ['developers', 'ops'] })
      expect(await enter('carol', 'carol-secret')).toEqual({ name: 'carol', admin: false, groups: ['ops', 'testers'] })
      expect(await enter('alice', 'wrong')).toBe('wrong')
      expect(await enter('mallory', 'alice-secret')).toBe('unknown')
    })
  })

  test('have the groups of memberOf alone where no base for groups is named', async () => {
    const settings = usual({ groups: {} })
    expect(await enterOnce(settings, 'bob', 'bob-secret')).toMatchObject({ groups: ['developers'] })
  })

  test('have no groups from outside the base', async () => {
    await server.add([
      {
        dn: `cn=registry-admins,${people}`,
        attributes: { objectClass: 'groupOfNames', cn: 'registry-admins', member: `uid=bob,${people}` },
      },
    ])
    const settings = usual({ admins: 'group registry-admins' })
    expect(await enterOnce(settings, 'bob', 'bob-secret')).toEqual({
      name: 'bob',
      admin: false,
      groups: ['developers', 'ops'],
    })
  })

  test('are called what the directory calls them, whatever case they type', async () => {
    await withSource(usual(), async (enter) => {
      for (const typed of ['ALICE', 'Alice', ' alice', 'alice '])
        expect(await enter(typed, 'alice-secret')).toMatchObject({ name: 'alice' })
    })
  })

  test.each([
    ['group developers', ['alice', 'bob']],
    ['group ops testers', ['bob', 'carol']],
    [`group cn=testers,${groups}`, ['carol']],
    [
      ['user alice', 'group testers'],
      ['alice', 'carol'],
    ],
    ['user uid=bob,ou=people,dc=example,dc=com', ['bob']],
    ['valid_user', ['alice', 'bob', 'carol']],
  ])('enter only when they meet: %p', async (require, entering) => {
    await withSource(usual({ require }), async (enter) => {
      for (const name of ['alice', 'bob', 'carol'])
        expect([name, await enter(name, `${name}-secret`)]).toMatchObject([
          name,
          entering.includes(name) ? { name } : 'wrong',
        ])
    })
  })

  test('log in by the last of thousands, and each through the same few connections', async () => {
    const before = server.log().length
    await withSource(usual({ url: `${server.url}/${people}?uid`, ca: undefined, connections: 2 }), async (enter) => {
      const names = Array.from({ length: 50 }, (_, i) => `user${crowd - 1 - i}`)
      const verdicts = await Promise.all(names.map((name) => enter(name, `${name}-secret`)))
      expect(verdicts.map((verdict) => (verdict as UserRecord).name)).toEqual(names)
    })
    const logged = server.log().slice(before)
    expect(logged.match(new RegExp(`BIND dn="${reader.bindDn}" method=128`, 'g'))).toHaveLength(2)
    expect(logged.match(/BIND dn="uid=user\d+,[^"]*" method=128/g)).toHaveLength(50)
  })

  test('may log in by their address where the filter says so', async () => {
    const settings = usual({ userFilter: '(|(uid={user})(mail={user}))' })
    expect(await enterOnce(settings, 'bob@example.com', 'bob-secret')).toMatchObject({ name: 'bob' })
  })

  test('bind by themselves where bindDn has their name in it', async () => {
    const settings = settingsOf({
      url: server.tlsUrl,
      ca: server.ca,
      bindDn: `uid={user},${people}`,
      groups: { base: groups },
    })
    await withSource(settings, async (enter) => {
      expect(await enter('ALICE', 'alice-secret')).toMatchObject({
        name: 'alice',
        groups: ['developers', 'registry-admins'],
      })
      expect(await enter('alice', 'wrong')).toBe('wrong')
      expect(await enter('alice', '')).toBe('wrong')
      expect(await enter(`alice,${people}`, 'alice-secret')).toBe('wrong')
    })
  })
})

describe.skipIf(reason !== undefined)('names and DNs with anything in them', () => {
  const odd = [
    ['zhang.wei', '张伟, 研发部', '密码-secret'],
    ['o+neil', 'O\'Neil + "Sons" <x>; #1', 'pässwörd'],
    ['back\\slash', 'a\\b=c', 'a:b c'],
    ['star*(x)', '*)(uid=*', 's)(*'],
    ['小明', ' 小明 ', 'x'],
  ] as const

  beforeAll(async () => {
    if (reason) return
    const escaped = (cn: string) => cn.replace(/[\\"+,;<>=#]/g, '\\$&').replace(/^ | $/g, '\\ ')
    const entries = odd.map(([uid, cn, userPassword], i) =>
      person(uid, 50_000 + i, {
        dn: `cn=${escaped(cn)},${people}`,
        attributes: { cn, userPassword, mail: 'x@example.com', homeDirectory: '/' },
      }),
    )
    await server.add(entries)
    await server.add([
      {
        dn: `cn=研发\\, 部,${groups}`,
        attributes: { objectClass: 'groupOfNames', cn: '研发, 部', member: entries.map(({ dn }) => dn) },
      },
    ])
  }, testMs)

  test.each(odd)('%s logs in, and is in the group', async (uid, _cn, password) => {
    const verdict = await enterOnce(usual(), uid, password)
    expect(verdict).toEqual({ name: uid, admin: false, groups: ['研发, 部'] })
    expect(await enterOnce(usual(), uid, `${password}x`)).toBe('wrong')
  })

  test.each([
    '*',
    'alic*',
    'alice)(uid=*',
    '*)(uid=*))(|(uid=*',
    'alice)(objectClass=*',
    'alice\\29',
    '\\61lice',
    'alice)(!(uid=bob',
    `uid=alice,${people}`,
    '{user}',
    '{dn}',
  ])('%s is nobody', async (name) => {
    expect(await enterOnce(usual(), name, 'alice-secret')).toBe('unknown')
    // As a part of groups: nobody gets into one by what they are called.
    expect(await traceOf(usual(), name)).not.toContain('group ')
  })

  test('an empty password never reaches the directory', async () => {
    const before = server.log().length
    expect(await enterOnce(usual(), 'alice', '')).toBe('wrong')
    expect(server.log().slice(before)).not.toContain('BIND dn="uid=alice')
  })

  test('a name that nobody has costs the directory as many questions as a wrong password', async () => {
    const sources = [createLdapSource(usual(), { log: silentLog })]
    const authenticator = createAuthenticator({ sources, realm: 'Registry' })
    const refuse = async (name: string) => {
      const before = server.log().length
      const credentials = `Basic ${Buffer.from(`${name}:a-guess`).toString('base64')}`
      const login = Promise.resolve(authenticator.authenticate(credentials, { clientAddress: '192.0.2.1' }))
      await expect(login).rejects.toMatchObject({ code: 'unauthenticated' })
      const logged = server.log().slice(before)
      expect(logged).not.toContain('a-guess')
      return ['ACCEPT', 'SRCH base', 'BIND dn'].map((word) => logged.split(word).length - 1)
    }
    await refuse('warming-up')
    const wrong = await refuse('alice')
    expect(wrong).toEqual([1, 1, 1])
    expect(await refuse('mallory')).toEqual(wrong)
    await authenticator.close()
  })

  test.each(['EXTERNAL', 'PLAIN', 'DIGEST-MD5', 'SCRAM-SHA-1'])('%s is a name and no kind of login', async (name) => {
    const settings = settingsOf({ url: server.tlsUrl, ca: server.ca, bindDn: '{user}', userBase: people })
    const before = server.log().length
    expect(await enterOnce(settings, name, 'x')).toBe('wrong')
    expect(server.log().slice(before)).not.toContain('method=163')
  })

  test('a name that two entries have is refused', async () => {
    const settings = usual({ attributes: { id: 'mail' } })
    expect(await enterOnce(settings, 'x@example.com', 'x')).toBe('wrong')
    expect(await traceOf(settings, 'x@example.com')).toContain('several entries match')
  })

  test('referrals to other servers are not followed', async () => {
    let calls = 0
    const elsewhere: Server = createServer((socket) => {
      calls++
      socket.destroy()
    })
    await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done))
    const { port } = elsewhere.address() as { port: number }
    try {
      await server.add([
        {
          dn: `ou=elsewhere,${people}`,
          attributes: {
            objectClass: ['referral', 'extensibleObject'],
            ou: 'elsewhere',
            ref: `ldap://127.0.0.1:${port}/ou=elsewhere,${people}`,
          },
        },
      ])
      expect(await enterOnce(usual(), 'alice', 'alice-secret')).toMatchObject({ name: 'alice' })
      const below = usual({ userBase: `ou=elsewhere,${people}` })
      expect(await enterOnce(below, 'alice', 'alice-secret')).toBe('identity-unavailable')
      expect(await traceOf(below, 'alice')).toContain('referral to another server, which is not followed')
      expect(calls).toBe(0)
    } finally {
      elsewhere.close()
    }
  })
})

describe.skipIf(reason !== undefined)('the way to a directory', () => {
  test('is TLS whose certificate must be signed by the named authority and be for the named host', async () => {
    const folder = temporaryFolder('ldap-ca')
    const other = join(folder, 'other.pem')
    writeFileSync(other, (await testAuthority('Somebody else')).certificate)
    const enter = (more: Record<string, unknown>) => enterOnce(usual(more), 'alice', 'alice-secret')
    const trace = (more: Record<string, unknown>) => traceOf(usual(more), 'alice', 'alice-secret')
    const startTls = { url: `${server.url}/${people}?uid`, startTls: true }
    for (const way of [{}, startTls]) {
      expect(await enter(way)).toMatchObject({ name: 'alice' })
      for (const ca of [undefined, other]) {
        expect(await enter({ ...way, ca })).toBe('identity-unavailable')
        expect(await trace({ ...way, ca })).toContain('name the file of the authority')
        expect(await enter({ ...way, ca: undefined, insecure: true })).toMatchObject({ name: 'alice' })
      }
    }
    expect(await trace(startTls)).toMatch(/connected to ldap:.*: TLSv1\.\d, certificate of localhost/)
  })

  test('is refused to a certificate for another host', async () => {
    const stranger = await startOpenldap({ certifiedNames: ['dir.example.com'] })
    try {
      for (const way of [
        { url: `${stranger.tlsUrl}/${people}?uid` },
        { url: `${stranger.url}/${people}?uid`, startTls: true },
      ]) {
        const settings = usual({ ...way, ca: stranger.ca })
        expect(await enterOnce(settings, 'alice', 'alice-secret')).toBe('identity-unavailable')
        expect(await traceOf(settings, 'alice')).toContain('use the name that is in the certificate')
      }
    } finally {
      await stranger.stop()
    }
  })

  test('is not taken without the StartTLS that was asked for', async () => {
    const plain = await startOpenldap({ withoutTls: true, logged: true })
    try {
      const settings = usual({ url: `${plain.url}/${people}?uid`, startTls: true })
      const before = plain.log().length
      expect(await enterOnce(settings, 'alice', 'alice-secret')).toBe('identity-unavailable')
      expect(await traceOf(settings, 'alice')).toContain('StartTLS is refused')
      expect(plain.log().slice(before)).not.toContain('BIND')
    } finally {
      await plain.stop()
    }
  })

  const endless = Buffer.concat([
    Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x02, 0x01, 0x02]),
    Buffer.alloc(8 << 20),
  ])
  test.each([
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['an answer without end', endless],
    ['a length of 0', Buffer.from([0x30, 0x00])],
    ['an answer to no question', Buffer.from([0x30, 0x0c, 2, 1, 99, 0x61, 7, 0x0a, 1, 0, 4, 0, 4, 0])],
  ])('is not taken to a server that says %s', async (_what, bytes) => {
    const other = createServer((socket) => {
      socket.on('error', () => {}) // it is hung up on
      socket.on('data', () => socket.write(bytes))
    })
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
    const { port } = other.address() as { port: number }
    const url = `ldap://127.0.0.1:${port}/${people}?uid`
    for (const startTls of [false, true]) {
      const settings = usual({ url, startTls, ca: undefined, timeout: '300ms', connectTimeout: '300ms' })
      expect(await enterOnce(settings, 'alice', 'alice-secret')).toBe('identity-unavailable')
    }
    other.close()
  })

  test('leads to the next server when one does not answer', async () => {
    const [dead, frozen] = [await freePort(), createServer(() => {})]
    await new Promise<void>((done) => frozen.listen(0, '127.0.0.1', done))
    const { port } = frozen.address() as { port: number }
    try {
      const url = [`ldap://127.0.0.1:${dead}/${people}?uid`, `ldap://127.0.0.1:${port}`, server.url]
      const settings = usual({ url, ca: undefined, timeout: '2s' })
      expect(await enterOnce(settings, 'alice', 'alice-secret')).toMatchObject({ name: 'alice' })
      const trace = await traceOf(settings, 'alice')
      expect(trace).toContain('nothing listens there')
      expect(trace).toContain('no answer within')
      expect(trace).toContain(`connected to ${server.url}`)
    } finally {
      frozen.close()
    }
  })
})

describe.skipIf(reason !== undefined)('a directory that goes away', () => {
  let own: OpenldapService
  beforeAll(async () => {
    if (!reason) own = await startOpenldap()
  }, testMs)
  afterAll(() => own?.stop(), testMs)

  const ours = (more: Record<string, unknown> = {}) =>
    usual({ url: `${own.tlsUrl}/${people}?uid`, ca: own.ca, timeout: '1s', connectTimeout: '1s', ...more })

  test(
    'leaves those in who logged in lately, for the stated time, and tells others that it is away',
    async () => {
      await withSource(ours({ offlineGrace: '10m' }), async (enter, at) => {
        const before = await enter('alice', 'alice-secret')
        await own.halt()
        expect(await enter('alice', 'alice-secret')).toEqual(before)
        expect(await enter('alice', 'guess')).toBe('identity-unavailable')
        expect(await enter('bob', 'bob-secret')).toBe('identity-unavailable')
        at.time += 599_000
        expect(await enter('alice', 'alice-secret')).toEqual(before)
        at.time += 1000
        expect(await enter('alice', 'alice-secret')).toBe('identity-unavailable')
        expect(at.results).toEqual(['accepted', 'offline', 'unavailable', 'unavailable', 'offline', 'unavailable'])
        await own.resume()
        at.time += 5000
        expect(await enter('alice', 'alice-secret')).toEqual(before)
        expect(await enter('bob', 'bob-secret')).toMatchObject({ name: 'bob' })
      })
    },
    testMs,
  )

  test(
    'leaves nobody in with a grace of 0',
    async () => {
      await withSource(ours({ offlineGrace: '0' }), async (enter) => {
        expect(await enter('alice', 'alice-secret')).toMatchObject({ name: 'alice' })
        await own.halt()
        expect(await enter('alice', 'alice-secret')).toBe('identity-unavailable')
        await own.resume()
      })
    },
    testMs,
  )

  test(
    'is noticed when it hangs, and taken up again when it goes on',
    async () => {
      await withSource(ours(), async (enter, at) => {
        await enter('alice', 'alice-secret')
        await own.freeze()
        try {
          expect(await enter('bob', 'bob-secret')).toBe('identity-unavailable')
          expect(await enter('alice', 'alice-secret')).toMatchObject({ name: 'alice' })
        } finally {
          own.thaw()
        }
        at.time += 5000
        expect(await enter('bob', 'bob-secret')).toMatchObject({ name: 'bob' })
      })
    },
    testMs,
  )

  test('is not waited for by everyone while it hangs', async () => {
    let connections = 0
    const silent = createServer(() => connections++)
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
    const { port } = silent.address() as { port: number }
    const settings = usual({ url: `ldap://127.0.0.1:${port}/${people}?uid`, ca: undefined, timeout: '200ms' })
    await withSource(settings, async (enter, at) => {
      for (let i = 0; i < 20; i++) expect(await enter(`user${i}`, 'x')).toBe('identity-unavailable')
      expect(connections).toBe(1)
      at.time += 5000
      expect(await enter('alice', 'x')).toBe('identity-unavailable')
      expect(connections).toBe(2)
    })
    silent.close()
  })

  test.each(['ldaps', 'StartTLS', 'no TLS'])(
    'is asked again on a new connection when it was restarted, with %s',
    async (way) => {
      const plain = { url: `${own.url}/${people}?uid`, startTls: way === 'StartTLS' }
      await withSource(
        ours(way === 'ldaps' ? {} : { ...plain, ...(way === 'no TLS' && { ca: undefined }) }),
        async (enter) => {
          for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
            expect(await enter('alice', 'alice-secret')).toMatchObject({ name: 'alice' })
            await own.halt(signal)
            await own.resume()
            expect(await enter('alice', 'alice-secret')).toMatchObject({ name: 'alice' })
            expect(await enter('bob', 'bob-secret')).toMatchObject({ name: 'bob' })
          }
        },
      )
    },
    testMs,
  )

  test(
    'forgets those whose password it has refused',
    async () => {
      await withSource(ours(), async (enter) => {
        await enter('carol', 'carol-secret')
        await own.modify(
          `dn: uid=carol,${people}\nchangetype: modify\nreplace: userPassword\nuserPassword: new-secret\n`,
        )
        expect(await enter('carol', 'carol-secret')).toBe('wrong')
        await own.halt()
        expect(await enter('carol', 'carol-secret')).toBe('identity-unavailable')
        await own.resume()
      })
    },
    testMs,
  )

  test(
    'says who is still there without a password, for tokens',
    async () => {
      const source = createLdapSource(ours({ require: 'group developers' }), { log: silentLog })
      try {
        expect(await source.find?.('alice')).toMatchObject({ name: 'alice', groups: ['developers', 'registry-admins'] })
        expect(await source.find?.('ALICE')).toBeUndefined()
        expect(await source.find?.('carol')).toBeUndefined()
        await own.halt()
        expect(await source.find?.('alice')).toMatchObject({ name: 'alice' })
        await expect(source.find!('bob')).rejects.toMatchObject({ code: 'identity-unavailable' })
        await own.resume()
      } finally {
        await source.close()
      }
    },
    testMs,
  )
})
