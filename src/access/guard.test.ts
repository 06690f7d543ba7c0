import { describe, expect, test } from 'bun:test'
import { fakeIncoming } from '../../test/helpers/fake-incoming.ts'
import { createAuthenticator, nobodyIsAsked } from '../identity/authenticator.ts'
import type { UserSource } from '../identity/sources.ts'
import { type Decide, open } from './decide.ts'
import { guarded } from './guard.ts'

const ada: UserSource = {
  name: 'test',
  generation: () => 0,
  verify: async (name, password) =>
    name !== 'ada' ? 'unknown' : password === 'good' ? { name, admin: false } : 'wrong',
  decoy: async () => {},
  close: async () => {},
}

function ask(credentials: string | undefined, decide: Decide = ({ kind }) => kind !== 'anonymous') {
  const authenticator = createAuthenticator({ sources: [ada], realm: 'Test' })
  const incoming = fakeIncoming(
    'GET',
    '/metrics',
    credentials === undefined ? {} : { authorization: `Basic ${btoa(credentials)}` },
  )
  const page = guarded('observe', () => new Response('numbers'), { authenticator, decide })
  return Promise.resolve(page(incoming)).then((response) => ({ response, incoming }))
}

describe('a guarded page', () => {
  test('asks strangers to log in', async () => {
    const { response } = await ask(undefined)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Basic realm="Test"')
    expect(await response.text()).not.toContain('numbers')
  })

  test('refuses a wrong password', async () => {
    const { response } = await ask('ada:bad')
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toContain('Basic')
  })

  test('is served to those who may, and the access log learns who they are', async () => {
    const { response, incoming } = await ask('ada:good')
    expect(await response.text()).toBe('numbers')
    expect(incoming.user).toBe('ada')
  })

  test('is refused to users who may not', async () => {
    const { response } = await ask('ada:good', () => false)
    expect(response.status).toBe(403)
  })

  test('is open where nobody is asked', async () => {
    const page = guarded('observe', () => new Response('numbers'), { authenticator: nobodyIsAsked, decide: open })
    expect(await (await page(fakeIncoming('GET', '/metrics'))).text()).toBe('numbers')
  })
})
