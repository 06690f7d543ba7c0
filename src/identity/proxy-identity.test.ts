import { describe, expect, test } from 'bun:test'
import { fakeIncoming } from '../../test/helpers/fake-incoming.ts'
import { AppError } from '../errors.ts'
import { type Authenticator, anonymous, type Principal } from './principal.ts'
import { nameIn, type ProxyIdentitySettings, withProxyIdentity } from './proxy-identity.ts'
import type { UserRecord } from './sources.ts'

const proxy = '10.1.2.3'
const users = new Map<string, UserRecord>([['ada', { name: 'ada', admin: true, groups: ['dev'], credential: 'x' }]])
const inner: Authenticator = {
  challenge: 'Basic realm="x"',
  authenticate: (credentials) =>
    credentials === undefined ? anonymous : { kind: 'user', name: 'by-password', admin: false, groups: [] },
  close: async () => {},
}

function open(settings: Partial<ProxyIdentitySettings> = {}) {
  const state = { generation: 0, asked: 0, time: 0 }
  const authenticator = withProxyIdentity(inner, {
    settings: { header: 'X-Forwarded-User', from: [proxy, 'fd00::/8'], attribute: undefined, ...settings },
    sources: [
      {
        name: 'local',
        find: async (name) => {
          state.asked += 1
          return users.get(name)
        },
      },
    ],
    generation: () => state.generation,
    now: () => state.time,
  })
  const ask = async (
    headers: Record<string, string>,
    { peer = proxy, client = peer, method = 'GET' }: { peer?: string; client?: string; method?: string } = {},
  ): Promise<Principal> => {
    const incoming = fakeIncoming(method, '/v2/', headers, { peerAddress: peer, clientAddress: client })
    return authenticator.authenticate(incoming.headers.get('authorization') ?? undefined, incoming)
  }
  return { ask, state }
}

describe('the identity that a proxy tells', () => {
  test('is that of the user of the sources, with their groups and rights', async () => {
    expect(await open().ask({ 'x-forwarded-user': 'ada' })).toMatchObject({
      kind: 'user',
      name: 'ada',
      admin: true,
      groups: ['dev'],
      credential: 'local:x',
    })
  })

  test('of somebody whom no source knows has no groups and administers nothing', async () => {
    expect(await open().ask({ 'x-forwarded-user': 'stranger' })).toEqual({
      kind: 'user',
      name: 'stranger',
      admin: false,
      groups: [],
    })
  })

  for (const [what, headers, where] of [
    ['another peer', { 'x-forwarded-user': 'ada' }, { peer: '198.51.100.1' }],
    ['a client that is forwarded as the proxy', { 'x-forwarded-user': 'ada' }, { peer: '198.51.100.1', client: proxy }],
    ['a peer without an address', { 'x-forwarded-user': 'ada' }, { peer: '' }],
    ['another peer in capitals', { 'X-FORWARDED-USER': 'ada' }, { peer: '198.51.100.1' }],
    ['an underscore instead of a dash', { x_forwarded_user: 'ada' }, {}],
    ['a space at the end of its name, as a value', { 'x-forwarded': 'user: ada' }, {}],
    ['an empty value', { 'x-forwarded-user': '  ' }, {}],
    ['no header', {}, {}],
  ] as const)
    test(`is not believed with ${what}`, async () => {
      expect(await open().ask(headers, where)).toEqual(anonymous)
    })

  test('is believed from networks, whatever the case of the header', async () => {
    expect(await open().ask({ 'X-fOrWaRdEd-uSeR': 'ada' }, { peer: 'fd00::7' })).toMatchObject({ name: 'ada' })
    expect(await open().ask({ 'x-forwarded-user': 'ada' }, { client: '198.51.100.1' })).toMatchObject({ name: 'ada' })
  })

  test('gives way to credentials', async () => {
    const headers = { 'x-forwarded-user': 'ada', authorization: 'Basic eDp5' }
    expect(await open().ask(headers)).toMatchObject({ name: 'by-password' })
  })

  for (const value of ['ada, root', 'root,ada', 'a:b', '#x', 'a\u0007'])
    test(`is refused for ${JSON.stringify(value)}, as two headers and odd names arrive`, () => {
      expect(() => nameIn(value, { header: 'X', attribute: undefined })).toThrow(AppError)
    })

  test('is the part of a distinguished name that was asked for', () => {
    const cn = (value: string) => nameIn(value, { header: 'X', attribute: 'cn' })
    expect(cn('CN=ada,OU=people,O=Example')).toBe('ada')
    expect(cn('O=Example\\, CN=root,CN=ada')).toBe('ada')
    expect(cn('OU=people, CN=Ada Lovelace')).toBe('Ada Lovelace')
  })

  for (const dn of [
    '/O=Example/CN=ada',
    'O=Example',
    'CN=ada,CN=root',
    'CN=ada, CN=root',
    'CN=ada+UID=root',
    'CN="ada",O=x',
    'O="x,CN=root",CN=ada',
    'CN=#0403616461',
    'CN=',
    'ada',
    'CN=ada;CN=root',
  ])
    test(`is refused for the distinguished name ${dn}`, () => {
      expect(() => nameIn(dn, { header: 'X', attribute: 'CN' })).toThrow(AppError)
    })

  test('is not asked for in every request, and anew at once when a user was changed', async () => {
    const { ask, state } = open()
    for (let times = 0; times < 3; times++) await ask({ 'x-forwarded-user': 'ada' })
    expect(state.asked).toBe(1)
    state.generation += 1
    await ask({ 'x-forwarded-user': 'ada' })
    expect(state.asked).toBe(2)
    state.time += 60_000
    await ask({ 'x-forwarded-user': 'ada' })
    expect(state.asked).toBe(3)
  })

  test('is no help to pages of other sites, which make browsers send what they like', async () => {
    const { ask } = open()
    const user = { 'x-forwarded-user': 'ada' }
    expect(await ask({ ...user, 'sec-fetch-site': 'cross-site' }, { method: 'POST' })).toEqual(anonymous)
    expect(await ask({ ...user, origin: 'https://evil.example' }, { method: 'PUT' })).toEqual(anonymous)
    expect(await ask({ ...user, 'sec-fetch-site': 'same-origin' }, { method: 'POST' })).toMatchObject({ name: 'ada' })
    expect(await ask({ ...user, origin: 'http://localhost' }, { method: 'PUT' })).toMatchObject({ name: 'ada' })
    expect(await ask(user, { method: 'PUT' })).toMatchObject({ name: 'ada' })
  })
})
