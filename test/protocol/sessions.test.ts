import { beforeEach, expect, test } from 'bun:test'
import { changeUser, deleteUser, insertUser } from '../../src/database/users.ts'
import { fakeIncoming } from '../helpers/fake-incoming.ts'
import { describeRegistry } from '../helpers/registry.ts'

const hashOf = (password: string) => Bun.password.hash(password, { algorithm: 'bcrypt', cost: 4 })
const passwordHash = await hashOf('secret')

describeRegistry('sessions of people', { auth: undefined }, (registry) => {
  beforeEach(async () => {
    const { db } = registry.app()
    for (const name of ['ada', 'bob']) {
      await deleteUser(db, name)
      await insertUser(db, { name, password_hash: passwordHash, admin: 1, created_at: Date.now() })
    }
  })
  const call = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
    registry
      .app()
      .handler(
        fakeIncoming(
          method,
          `/api/v1${path}`,
          { ...headers, ...(body && { 'content-type': 'application/json' }) },
          { body },
        ),
      ) as Promise<Response>
  async function logIn(name: string, agent = 'Browser/1') {
    const answer = await call('POST', '/session', { 'user-agent': agent }, JSON.stringify({ name, password: 'secret' }))
    const { csrf } = (await answer.json()) as { csrf: string }
    return { cookie: answer.headers.getSetCookie()[0]?.split(';')[0] ?? '', 'x-csrf-token': csrf }
  }
  const isIn = async (who: Record<string, string>) => (await call('GET', '/session', who)).status === 200
  const listOf = async (who: Record<string, string>) =>
    (await (await call('GET', '/me/sessions', who)).json()) as { id: string; userAgent: string; current: boolean }[]

  test('end at once when their user is removed, and another of that name does not get them', async () => {
    const ada = await logIn('ada')
    expect(await isIn(ada)).toBe(true)
    const { db } = registry.app()
    await deleteUser(db, 'ada')
    expect(await isIn(ada)).toBe(false)
    await insertUser(db, { name: 'ada', password_hash: passwordHash, admin: 1, created_at: 1 })
    expect(await isIn(ada)).toBe(false)
  })

  test('end at once with the password, and with the right to administer', async () => {
    const { db } = registry.app()
    for (const change of [{ password_hash: await hashOf('another') }, { admin: 0 as const }]) {
      const bob = await logIn('bob')
      expect((await call('GET', '/audit', bob)).status).toBe(200)
      await changeUser(db, 'bob', change)
      expect((await call('GET', '/audit', bob)).status).toBe(401)
      await changeUser(db, 'bob', { password_hash: passwordHash, admin: 1 })
    }
  })

  test('are listed to their user, and to nobody else', async () => {
    const [here, there, bob] = [await logIn('ada', 'Here'), await logIn('ada', 'There'), await logIn('bob')]
    const all = await listOf(here)
    expect(all.map(({ userAgent, current }) => [userAgent, current]).sort()).toEqual([
      ['Here', true],
      ['There', false],
    ])
    expect(JSON.stringify(all)).not.toContain(there.cookie.split('=')[1] ?? '-')
    expect(await listOf(bob)).toHaveLength(1)
    expect((await call('GET', '/me/sessions')).status).toBe(401)
  })

  test('are ended by their user, one or all others, and by nobody else', async () => {
    const [here, there, bob] = [await logIn('ada', 'Here'), await logIn('ada', 'There'), await logIn('bob')]
    const id = (await listOf(there)).find(({ current }) => current)?.id ?? ''
    expect((await call('DELETE', `/me/sessions/${id}`, bob)).status).toBe(404)
    expect((await call('DELETE', `/me/sessions/${id}`, { cookie: here.cookie })).status).toBe(403)
    expect((await call('DELETE', `/me/sessions/${id}`, here)).status).toBe(204)
    expect([await isIn(here), await isIn(there), await isIn(bob)]).toEqual([true, false, true])
    await logIn('ada')
    expect(await (await call('DELETE', '/me/sessions', here)).json()).toEqual({ ended: 1 })
    expect([await isIn(here), await isIn(bob)]).toEqual([true, true])
  })

  test('opened with their id instead of the secret do not open', async () => {
    const ada = await logIn('ada')
    const [own] = await listOf(ada)
    expect(await isIn({ cookie: `entrepot_session=${own?.id}` })).toBe(false)
  })
})
