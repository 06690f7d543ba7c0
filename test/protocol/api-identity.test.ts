import { expect, test } from 'bun:test'
import { apiOf, type Who } from '../helpers/api.ts'
import { describeRegistry } from '../helpers/registry.ts'

const settings = {
  auth: undefined,
  repositories: [{ name: 'private' }, { name: 'team' }, { name: 'other' }],
  users: [
    { name: 'fixed', password: 'a fixed password', grants: [{ role: 'maintainer', repository: 'team' }] },
    { name: 'eve', password: 'a good password' },
  ],
  roles: [{ name: 'cleaner', actions: ['pull', 'delete'] }],
}

interface Token {
  id: number
  secret: string
  state: string
}

describeRegistry('users, grants, tokens and robots in the API', settings, (registry) => {
  const api = apiOf(registry)
  const { refused } = api
  const fixed = { name: 'fixed', password: 'a fixed password' }
  const eve = { name: 'eve', password: 'a good password' }
  /** What `/v2/` answers to somebody. */
  const entering = async ({ name, password }: NonNullable<Who>) => {
    const authorization = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
    return (await registry.app().handler(registry.incoming('GET', '/v2/', { authorization }))).status
  }
  const pulling = async ({ name, password }: NonNullable<Who>, image: string) => {
    const authorization = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
    return (await registry.app().handler(registry.incoming('GET', `/v2/${image}/tags/list`, { authorization }))).status
  }

  test('a user is made, changed and removed, and each change holds at once', async () => {
    const admin = api.admin()
    const bob = { name: 'bob', password: 'first password' }
    expect(await api.expect(201, admin, 'POST', '/users', bob)).toMatchObject({
      name: 'bob',
      admin: false,
      source: 'local',
    })
    expect(await entering(bob)).toBe(200)
    await refused(403, 'denied', bob, 'GET', '/users')
    await api.expect(200, admin, 'PATCH', '/users/bob', { password: 'second password', admin: true })
    expect(await entering(bob)).toBe(401)
    const changed = { name: 'bob', password: 'second password' }
    const list = await api.expect<{ name: string }[]>(200, changed, 'GET', '/users')
    expect(list.map(({ name }) => name)).toEqual(['admin', 'bob', 'eve', 'fixed'])
    const grant = { subject: { kind: 'user', name: 'bob' }, role: 'reader', repository: 'team' }
    await api.expect(201, admin, 'POST', '/grants', grant)
    const { secret } = await api.expect<Token>(201, changed, 'POST', '/tokens', { name: 'mine' })
    expect(await entering({ name: 'bob', password: secret })).toBe(200)
    await api.expect(204, admin, 'DELETE', '/users/bob')
    expect(await entering(changed)).toBe(401)
    expect(await entering({ name: 'bob', password: secret })).toBe(401)
    expect(await api.expect<object[]>(200, admin, 'GET', '/grants?kind=user&name=bob')).toEqual([])
    await refused(404, 'route-unknown', admin, 'DELETE', '/users/bob')
  })

  test('what would lock everybody out, or is not ours to change, is refused', async () => {
    const admin = api.admin()
    expect(await refused(403, 'policy-refused', admin, 'DELETE', '/users/admin')).toContain('last admin')
    await refused(403, 'policy-refused', admin, 'PATCH', '/users/admin', { admin: false })
    expect(await refused(403, 'policy-refused', admin, 'DELETE', '/users/fixed')).toContain('configuration file')
    for (const body of [
      { name: 'x', password: 'short' },
      { name: 'a:b', password: 'long enough' },
      { name: 'admin', password: 'long enough' },
      { name: 'x', password: 'with\nline break' },
    ])
      await refused(400, 'request-invalid', admin, 'POST', '/users', body)
    await refused(400, 'request-invalid', admin, 'PATCH', '/users/admin', {})
  })

  test('people change their own password with the current one', async () => {
    const admin = api.admin()
    const carl = { name: 'carl', password: 'first password' }
    await api.expect(201, admin, 'POST', '/users', carl)
    expect(await api.expect(200, carl, 'GET', '/me')).toMatchObject({ name: 'carl', passwordHere: true, admin: false })
    const password = 'second password'
    await refused(400, 'request-invalid', carl, 'POST', '/me/password', { current: 'wrong', password })
    const { secret } = await api.expect<Token>(201, carl, 'POST', '/tokens', { name: 'all' })
    const byToken = { name: 'carl', password: secret }
    await refused(400, 'request-invalid', byToken, 'POST', '/me/password', { current: secret, password })
    await api.expect(204, carl, 'POST', '/me/password', { current: 'first password', password })
    expect(await entering(carl)).toBe(401)
    expect(await entering({ name: 'carl', password })).toBe(200)
    await refused(403, 'policy-refused', eve, 'POST', '/me/password', { current: eve.password, password })
    await refused(401, 'unauthenticated', undefined, 'POST', '/me/password', { current: 'x', password })
  })

  test('a grant holds with the next request, and so does its end', async () => {
    const admin = api.admin()
    expect(await pulling(eve, 'team/app')).toBe(403)
    const terms = { subject: { kind: 'user', name: 'eve' }, role: 'reader', repository: 'team' }
    const grant = await api.expect<{ id: number }>(201, admin, 'POST', '/grants', terms)
    expect(await api.expect<{ id: number }>(201, admin, 'POST', '/grants', terms)).toMatchObject({ id: grant.id })
    expect(await pulling(eve, 'team/app')).toBe(404)
    const { repositories } = await api.expect<{ repositories: { name: string; may: string[] }[] }>(
      200,
      eve,
      'GET',
      '/me',
    )
    expect(repositories).toEqual([{ name: 'team', may: ['pull'] }])
    await api.expect(204, admin, 'DELETE', `/grants/${grant.id}`)
    expect(await pulling(eve, 'team/app')).toBe(403)
    await refused(404, 'route-unknown', admin, 'DELETE', `/grants/${grant.id}`)
    for (const wrong of [
      { role: 'king' },
      { repository: 'No Name' },
      { images: ['A b'] },
      { subject: { kind: 'user' } },
    ])
      await refused(400, 'request-invalid', admin, 'POST', '/grants', { ...terms, ...wrong })
    await refused(400, 'request-invalid', admin, 'POST', '/grants', {
      ...terms,
      subject: { kind: 'anonymous' },
      role: 'developer',
    })
    expect((await api.expect<{ name: string }[]>(200, eve, 'GET', '/roles')).map(({ name }) => name)).toContain(
      'cleaner',
    )
    await api.expect(201, admin, 'POST', '/grants', { ...terms, subject: { kind: 'group', name: 'ops' } })
    expect(await api.expect(200, admin, 'GET', '/groups')).toEqual([{ name: 'ops', grants: 1, seen: false }] as never)
  })

  test('a maintainer says who may what in the own repository, and nowhere else', async () => {
    const admin = api.admin()
    const subject = { kind: 'user', name: 'eve' }
    const own = await api.expect<{ id: number }>(201, fixed, 'POST', '/grants', {
      subject,
      role: 'developer',
      repository: 'team',
    })
    for (const repository of ['other', '*'])
      await refused(403, 'denied', fixed, 'POST', '/grants', { subject, role: 'reader', repository })
    await refused(403, 'denied', fixed, 'GET', '/grants')
    await refused(403, 'denied', fixed, 'GET', '/grants?repository=other')
    expect((await api.expect<object[]>(200, fixed, 'GET', '/grants?repository=team')).length).toBeGreaterThan(1)
    const foreign = await api.expect<{ id: number }>(201, admin, 'POST', '/grants', {
      subject,
      role: 'reader',
      repository: 'other',
    })
    await refused(404, 'route-unknown', fixed, 'DELETE', `/grants/${foreign.id}`)
    await api.expect(204, fixed, 'DELETE', `/grants/${own.id}`)
    await api.expect(204, admin, 'DELETE', `/grants/${foreign.id}`)
    // Rights on some images of a repository are none on the repository.
    for (const images of [['*'], ['**', '!secret/**'], ['app']]) {
      const some = { subject, role: 'maintainer', repository: 'other', images }
      const { id } = await api.expect<{ id: number }>(201, admin, 'POST', '/grants', some)
      await refused(403, 'denied', eve, 'POST', '/grants', { subject, role: 'reader', repository: 'other' })
      await refused(403, 'denied', eve, 'PATCH', '/repositories/other', { description: 'x' })
      await api.expect(204, admin, 'DELETE', `/grants/${id}`)
    }
  })

  test('access tokens are made with a password, shown once, and revoked', async () => {
    const admin = api.admin()
    const limits = [{ repository: 'team', actions: ['pull'] }]
    const token = await api.expect<Token>(201, fixed, 'POST', '/tokens', { name: 'ci', limits, expiresAt: null })
    const by = { name: 'fixed', password: token.secret }
    expect(await entering(by)).toBe(200)
    await refused(403, 'denied', by, 'GET', '/tokens')
    await refused(403, 'denied', by, 'POST', '/tokens', { name: 'more' })
    await refused(403, 'denied', by, 'PATCH', '/repositories/team', { description: 'x' })
    const whole = await api.expect<Token>(201, fixed, 'POST', '/tokens', { name: 'whole' })
    await refused(403, 'denied', { name: 'fixed', password: whole.secret }, 'POST', '/tokens', { name: 'next' })
    const listed = await api.expect<Token[]>(200, fixed, 'GET', '/tokens')
    expect(listed.map(({ state }) => state)).toEqual(['valid', 'valid'])
    expect(JSON.stringify(listed)).not.toContain(token.secret)
    await refused(404, 'route-unknown', eve, 'DELETE', `/tokens/${token.id}`)
    await refused(403, 'denied', eve, 'GET', '/tokens?owner=*')
    expect((await api.expect<Token[]>(200, admin, 'GET', '/tokens?owner=fixed')).length).toBe(2)
    await api.expect(204, fixed, 'DELETE', `/tokens/${token.id}`)
    await api.expect(204, admin, 'DELETE', `/tokens/${whole.id}`)
    expect(await entering(by)).toBe(401)
    await refused(400, 'request-invalid', fixed, 'POST', '/tokens', { name: 'old', expiresAt: '2020-01-01T00:00:00Z' })
  })

  test('a robot gets no more than whoever makes it has', async () => {
    const admin = api.admin()
    const limitsOn = (repository: string, ...actions: string[]) => [{ repository, actions }]
    const robot = (limits: object[], name = 'ci') => ({ name, token: { name: 'first', limits } })
    const made = await api.expect<{ name: string; token: Token }>(
      201,
      fixed,
      'POST',
      '/robots',
      robot(limitsOn('team', 'pull', 'push')),
    )
    const by = { name: made.name, password: made.token.secret }
    expect(await pulling(by, 'team/app')).toBe(404)
    expect(await pulling(by, 'other/app')).toBe(403)
    for (const repository of ['other', '*'])
      await refused(403, 'denied', fixed, 'POST', '/robots', robot(limitsOn(repository, 'pull'), 'more'))
    await refused(403, 'denied', eve, 'POST', '/robots', robot(limitsOn('team', 'pull'), 'more'))
    await refused(403, 'denied', fixed, 'POST', `/robots/${made.name}/tokens`, {
      name: 'x',
      limits: limitsOn('other', 'pull'),
    })
    await refused(403, 'denied', by, 'POST', '/robots', robot(limitsOn('team', 'pull'), 'child'))
    // One that an admin gave more is no maintainer's any longer.
    const big = await api.expect<{ name: string }>(201, admin, 'POST', '/robots', robot(limitsOn('*', 'pull'), 'big'))
    await refused(404, 'route-unknown', fixed, 'PATCH', `/robots/${big.name}`, { disabled: true })
    expect((await api.expect<{ name: string }[]>(200, fixed, 'GET', '/robots')).map(({ name }) => name)).toEqual([
      made.name,
    ])
    expect((await api.expect<object[]>(200, admin, 'GET', '/robots')).length).toBe(2)

    await api.expect(200, fixed, 'PATCH', `/robots/${made.name}`, { disabled: true })
    expect(await entering(by)).toBe(401)
    await api.expect(200, fixed, 'PATCH', `/robots/${made.name}`, { disabled: false })
    const next = await api.expect<Token>(201, fixed, 'POST', `/robots/${made.name}/tokens`, {
      name: 'next',
      limits: limitsOn('team', 'pull'),
    })
    await api.expect(204, fixed, 'DELETE', `/tokens/${made.token.id}`)
    expect(await entering(by)).toBe(401)
    expect(await entering({ name: made.name, password: next.secret })).toBe(200)
    expect(
      (await api.expect<Token[]>(200, fixed, 'GET', `/robots/${made.name}/tokens`)).map(({ state }) => state),
    ).toEqual(['revoked', 'valid'])
    await api.expect(204, fixed, 'DELETE', `/robots/${made.name}`)
    expect(await entering({ name: made.name, password: next.secret })).toBe(401)
  })

  test('the settings are shown without their secrets', async () => {
    const admin = api.admin()
    const rows = await api.expect<{ path: string; value: unknown; isDefault: boolean }[]>(
      200,
      admin,
      'GET',
      '/settings',
    )
    expect(JSON.stringify(rows)).not.toContain('a fixed password')
    expect(rows.find(({ path }) => path === 'users[0].password')).toMatchObject({ value: '***', isDefault: false })
    expect(rows.find(({ path }) => path === 'defaultRepository')).toMatchObject({ value: 'private', isDefault: true })
    expect(await api.expect(200, admin, 'GET', '/health')).toMatchObject({ ok: true })
    expect(await api.expect(200, admin, 'GET', '/identity')).toEqual({ sources: ['local'], directories: [] })
    await refused(403, 'denied', eve, 'GET', '/settings')
  })
})

const withDirectory = {
  auth: undefined,
  // Nothing listens there.
  ldap: [
    {
      url: 'ldap://127.0.0.1:9/ou=people,dc=example,dc=com',
      bindDn: 'cn=reader',
      bindPassword: 'a secret',
      connectTimeout: '1s',
    },
  ],
}

describeRegistry('a directory in the API', withDirectory, (registry) => {
  const api = apiOf(registry)

  test('is described without its password, and a login there is told step by step', async () => {
    const admin = api.admin()
    const identity = await api.expect(200, admin, 'GET', '/identity')
    expect(identity).toMatchObject({ sources: ['local', 'ldap'], directories: [{ searchesAs: 'cn=reader' }] })
    expect(JSON.stringify(identity)).not.toContain('a secret')
    const trace = await api.expect<{ accepted: boolean; directories: { result: string; steps: string[] }[] }>(
      200,
      admin,
      'POST',
      '/ldap/test',
      { user: 'ada', password: 'her password' },
    )
    expect(trace).toMatchObject({ accepted: false, directories: [{ name: 'ldap', result: 'unavailable' }] })
    expect(trace.directories[0]?.steps.join(' ')).toContain('nothing listens there')
    expect(JSON.stringify(trace)).not.toContain('her password')
  })
})
