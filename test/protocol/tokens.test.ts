import { beforeAll, describe, expect, test } from 'bun:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describeRegistry, digestOf, type RequestOptions, type TestRegistry } from '../helpers/registry.ts'

interface Answer {
  token: string
  access_token: string
  scope: string
  expires_in: number
  issued_at: string
  refresh_token?: string
}

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const bearer = (token: string): RequestOptions => ({ headers: { authorization: `Bearer ${token}` } })
const form = (fields: Record<string, string>): RequestOptions => ({
  headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
  body: new URLSearchParams(fields).toString(),
})

/** Asks for a token as docker does. */
async function ask(registry: TestRegistry, query: string, authorization?: string): Promise<Answer> {
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
  const answer = await registry.expect(200, 'GET', `/v2/_token?service=entrepot&${query}`, { headers })
  return (await answer.json()) as Answer
}

const accessOf = ({ token }: Answer) => decodeJwt(token)['access']

describeRegistry('tokens', { auth: undefined }, (registry) => {
  let admin = ''
  let password = ''
  beforeAll(() => {
    password = registry.app().firstAdmin!.password
    admin = basic('admin', password)
  })

  describe('the challenge', () => {
    test.each([
      ['GET', '/v2/', ''],
      ['GET', '/v2/_catalog', ',scope="registry:catalog:*"'],
      ['GET', '/v1/search?q=a', ',scope="registry:catalog:*"'],
      ['GET', '/v2/team/app/manifests/v1', ',scope="repository:team/app:pull"'],
      ['HEAD', `/v2/team/app/blobs/${digestOf('x')}`, ',scope="repository:team/app:pull"'],
      ['PUT', '/v2/team/app/manifests/v1', ',scope="repository:team/app:pull,push"'],
      ['DELETE', '/v2/team/app/manifests/v1', ',scope="repository:team/app:delete"'],
      ['POST', '/v2/team/app/blobs/uploads/', ',scope="repository:team/app:pull,push"'],
      [
        'POST',
        `/v2/a/blobs/uploads/?mount=${digestOf('x')}&from=team/b`,
        ',scope="repository:a:pull,push repository:team/b:pull"',
      ],
      ['POST', `/v2/a/blobs/uploads/?mount=${digestOf('x')}&from=%22b`, ',scope="repository:a:pull,push"'],
      ['DELETE', '/v2/a/blobs/uploads/00000000-0000-4000-8000-000000000000', ',scope="repository:a:pull,push"'],
    ])('for %s %s says what the token must be for', async (method, target, scope) => {
      const answer = await registry.expect(401, method, target)
      const start = 'Bearer realm="http://localhost/v2/_token",service="entrepot"'
      expect(answer.headers.get('www-authenticate')).toBe(start + scope)
    })

    test('names the address by which the client came', async () => {
      const origin = { scheme: 'https', host: 'hub.example.com:8443', prefix: '/registry' } as const
      const answer = await registry.expect(401, 'GET', '/v2/', { origin })
      expect(answer.headers.get('www-authenticate')).toContain(
        'realm="https://hub.example.com:8443/registry/v2/_token"',
      )
    })

    test('of the endpoint itself asks for a password', async () => {
      const answer = await registry.expect(401, 'GET', '/v2/_token', {
        headers: { authorization: basic('admin', 'no') },
      })
      expect(answer.headers.get('www-authenticate')).toBe('Basic realm="Entrepot"')
    })
  })

  describe('GET', () => {
    test('gives what was asked for to who may', async () => {
      const answer = await ask(registry, 'scope=repository:team/app:pull,push&account=admin&client_id=docker', admin)
      expect(answer).toMatchObject({
        expires_in: 300,
        scope: 'repository:team/app:pull,push',
        access_token: answer.token,
      })
      expect(answer.issued_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      expect(answer).not.toHaveProperty('refresh_token')
      expect(decodeProtectedHeader(answer.token)).toMatchObject({ alg: 'ES256', typ: 'JWT' })
      expect(decodeJwt(answer.token)).toMatchObject({ iss: 'entrepot', aud: 'entrepot', sub: 'admin' })
      expect(accessOf(answer)).toEqual([{ type: 'repository', name: 'team/app', actions: ['pull', 'push'] }])
    })

    test.each([
      ['scope=repository:a:*', 'repository:a:pull,push,delete'],
      ['scope=repository:a:pull%20repository:b:push', 'repository:a:pull repository:b:push'],
      ['scope=repository:a:pull&scope=repository:a:pull,push', 'repository:a:pull,push'],
      ['scope=repository(plugin):a:pull', 'repository:a:pull'],
      ['scope=registry:catalog:*', 'registry:catalog:*'],
      ['scope=registry:catalog:search', 'registry:catalog:search'],
      ['scope=registry:everything:*', ''],
      ['scope=repository:localhost:5000/a:pull', ''],
      ['scope=repository:../a:pull', ''],
      ['scope=repository:A:pull', ''],
      ['scope=repository:a:own,admin', ''],
      ['scope=unknown:a:pull', ''],
      ['scope=nonsense', ''],
      ['scope=', ''],
      ['', ''],
    ])('%s is answered with %s', async (query, scope) => {
      expect((await ask(registry, query, admin)).scope).toBe(scope)
    })

    test('gives a token for nothing to who may nothing, so that the registry itself can say no', async () => {
      const answer = await ask(registry, 'scope=repository:team/app:pull')
      expect(decodeJwt(answer.token)).toMatchObject({ sub: '', access: [] })
      await registry.expect(200, 'GET', '/v2/', bearer(answer.token))
      const refused = await registry.expect(401, 'GET', '/v2/team/app/manifests/v1', bearer(answer.token))
      expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
      await registry.expect(401, 'GET', '/v2/_catalog', bearer(answer.token))
    })

    test('refuses wrong passwords, tokens in place of passwords, and endless scopes', async () => {
      const { token } = await ask(registry, '', admin)
      for (const authorization of [basic('admin', 'wrong'), basic('nobody', password), `Bearer ${token}`, 'Basic !'])
        await registry.refused(401, 'UNAUTHORIZED', 'GET', '/v2/_token', { headers: { authorization } })
      const many = Array.from({ length: 101 }, (_, index) => `scope=repository:a${index}:pull`).join('&')
      await registry.refused(400, 'UNSUPPORTED', 'GET', `/v2/_token?${many}`)
    })

    test('is slowed down for guessing as every login is', async () => {
      const guess = () =>
        registry.request('GET', '/v2/_token', {
          headers: { authorization: basic('guessed', 'wrong') },
          clientAddress: '192.0.2.77',
        })
      for (let attempt = 0; attempt < 10; attempt++) expect((await guess()).status).toBe(401)
      const answer = await guess()
      expect(answer.status).toBe(429)
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    })
  })

  describe('POST', () => {
    test('takes a password', async () => {
      const fields = {
        grant_type: 'password',
        service: 'entrepot',
        username: 'admin',
        password,
        scope: 'repository:a:pull',
      }
      const answer = (await (await registry.expect(200, 'POST', '/v2/_token', form(fields))).json()) as Answer
      expect(answer).toMatchObject({ scope: 'repository:a:pull', expires_in: 300 })
      await registry.refused(404, 'NAME_UNKNOWN', 'GET', '/v2/a/tags/list', bearer(answer.access_token))
    })

    test('gives a refresh token to who asks, which stays good however often it is used', async () => {
      const fields = {
        grant_type: 'password',
        username: 'admin',
        password,
        access_type: 'offline',
        client_id: 'regclient',
      }
      const first = (await (await registry.expect(200, 'POST', '/v2/_token', form(fields))).json()) as Answer
      const refresh = first.refresh_token!
      for (const scope of ['repository:a:pull', 'repository:b:pull,push']) {
        const again = { grant_type: 'refresh_token', refresh_token: refresh, scope, client_id: 'regclient' }
        const answer = (await (await registry.expect(200, 'POST', '/v2/_token', form(again))).json()) as Answer
        expect(answer).toMatchObject({ scope, refresh_token: refresh })
        await registry.expect(200, 'GET', '/v2/', bearer(answer.access_token))
      }
      await registry.refused(401, 'UNAUTHORIZED', 'GET', '/v2/', bearer(refresh))
    })

    test('gives none to clients that would keep it in place of the password, nor to nobody', async () => {
      expect(await ask(registry, 'offline_token=true&client_id=docker', admin)).not.toHaveProperty('refresh_token')
      expect(await ask(registry, 'offline_token=true&client_id=regclient')).not.toHaveProperty('refresh_token')
      expect(await ask(registry, 'offline_token=true&client_id=regclient', admin)).toHaveProperty('refresh_token')
    })

    test.each([
      [401, { grant_type: 'password', username: 'admin', password: 'wrong' }],
      [401, { grant_type: 'password' }],
      [401, { grant_type: 'refresh_token' }],
      [401, { grant_type: 'refresh_token', refresh_token: 'a.b.c' }],
      [401, { grant_type: 'refresh_token', refresh_token: 'x'.repeat(20_000) }],
      [400, { grant_type: 'client_credentials' }],
      [400, {}],
      [400, { padding: 'x'.repeat(70_000) }],
    ] as [number, Record<string, string>][])('answers %p to a form that is none (%#)', async (status, fields) => {
      const answer = await registry.expect(status, 'POST', '/v2/_token', form(fields))
      if (status === 401) expect(answer.headers.get('www-authenticate')).toBe('Basic realm="Entrepot"')
    })

    test('an access token is no refresh token', async () => {
      const { token } = await ask(registry, '', admin)
      const fields = { grant_type: 'refresh_token', refresh_token: token }
      await registry.refused(401, 'UNAUTHORIZED', 'POST', '/v2/_token', form(fields))
    })
  })

  test('other methods and paths beside the endpoint are refused', async () => {
    await registry.expect(405, 'PUT', '/v2/_token')
    await registry.expect(405, 'POST', '/v2/_token/jwks')
    await registry.expect(404, 'GET', '/v2/_token/other')
    await registry.expect(404, 'GET', '/v2/_tokens')
    expect((await registry.expect(200, 'HEAD', '/v2/_token')).body).toBeNull()
  })

  test('the keys are published without their private part', async () => {
    const { keys } = (await (await registry.expect(200, 'GET', '/v2/_token/jwks')).json()) as { keys: object[] }
    expect(keys).toHaveLength(1)
    expect(keys[0]).not.toHaveProperty('d')
    const { kid } = decodeProtectedHeader((await ask(registry, '', admin)).token)
    expect(keys[0]).toMatchObject({ kid, kty: 'EC', alg: 'ES256' })
  })

  describe('in use', () => {
    const take = async (scope: string) => bearer((await ask(registry, `scope=${scope}`, admin)).token)

    test('a token is good for what it was issued for, and a password for everything', async () => {
      const digest = digestOf('content')
      const pushing = await take('repository:used/app:pull,push')
      await registry.expect(201, 'POST', `/v2/used/app/blobs/uploads/?digest=${digest}`, {
        ...pushing,
        body: 'content',
      })
      await registry.expect(200, 'GET', `/v2/used/app/blobs/${digest}`, await take('repository:used/app:pull'))
      await registry.expect(200, 'GET', `/v2/used/app/blobs/${digest}`, { headers: { authorization: admin } })
      const answer = await registry.expect(401, 'DELETE', `/v2/used/app/blobs/${digest}`, pushing)
      expect(answer.headers.get('www-authenticate')).toContain(
        'scope="repository:used/app:delete",error="insufficient_scope"',
      )
      await registry.expect(202, 'DELETE', `/v2/used/app/blobs/${digest}`, await take('repository:used/app:*'))
    })

    test('an upload can be cancelled by who may push', async () => {
      const pushing = await take('repository:used/app:pull,push')
      const started = await registry.expect(202, 'POST', '/v2/used/app/blobs/uploads/', pushing)
      await registry.expect(204, 'DELETE', started.headers.get('location')!, pushing)
    })

    test('the catalog and the search need a scope of their own', async () => {
      await registry.expect(401, 'GET', '/v2/_catalog', await take('repository:a:pull'))
      await registry.expect(200, 'GET', '/v2/_catalog', await take('registry:catalog:*'))
      await registry.expect(200, 'GET', '/v1/search?q=a', await take('registry:catalog:search'))
    })

    test('a mount needs a scope for its source, which the client is told', async () => {
      const digest = digestOf('mounted')
      await registry.expect(201, 'POST', `/v2/from/app/blobs/uploads/?digest=${digest}`, {
        headers: { authorization: admin },
        body: 'mounted',
      })
      const target = `/v2/to/app/blobs/uploads/?mount=${digest}&from=from/app`
      const anywhere = `/v2/to/app/blobs/uploads/?mount=${digest}`
      const one = await take('repository:to/app:pull,push')
      const answer = await registry.expect(401, 'POST', target, one)
      expect(answer.headers.get('www-authenticate')).toContain(
        'scope="repository:to/app:pull,push repository:from/app:pull",error="insufficient_scope"',
      )
      await registry.expect(202, 'POST', anywhere, one)
      const both = await take('repository:to/app:pull,push&scope=repository:from/app:pull')
      await registry.expect(201, 'POST', target, both)
      await registry.expect(201, 'POST', anywhere.replace('to/app', 'to/other'), {
        ...(await take('repository:to/other:push&scope=repository:from/app:pull')),
      })
    })

    test('the API and numbers about the server are not for tokens', async () => {
      await registry.expect(401, 'GET', '/api/v1/audit', await take('registry:catalog:*'))
      await registry.expect(200, 'GET', '/api/v1/audit', { headers: { authorization: admin } })
      await registry.expect(401, 'GET', '/metrics', await take('registry:catalog:*'))
      await registry.expect(200, 'GET', '/metrics', { headers: { authorization: admin } })
    })
  })
})

const open = {
  auth: undefined,
  repositories: [{ name: 'private' }, { name: 'docker-hub' }],
  defaultRepository: 'docker-hub',
  anonymous: { pull: ['docker-hub'] },
}

describeRegistry('tokens where strangers may pull', open, (registry) => {
  const wrong = basic('someone', 'for-docker-hub')
  // Each from an address of its own: guesses are slowed down.
  let host = 0
  const request = (query: string, authorization: string, options: RequestOptions = {}) =>
    registry.request('GET', `/v2/_token?service=entrepot&${query}`, {
      clientAddress: `192.0.2.${++host}`,
      ...options,
      headers: { authorization },
    })

  test.each([
    ['scope=repository:library/x:pull'],
    ['scope=repository:x:pull&account=someone&client_id=docker&offline_token=true'],
    ['scope=repository:docker-hub/library/x:pull'],
    ['scope=repository:a:pull%20repository:b:pull&scope=repository:a:pull'],
  ])('a wrong password gets a token for nobody with %s', async (query) => {
    const answer = await request(query, wrong)
    expect(answer.status).toBe(200)
    const given = (await answer.json()) as Answer
    expect(decodeJwt(given.token)).toMatchObject({ sub: '' })
    expect(given).not.toHaveProperty('refresh_token')
    const name = /repository:([^:]+):/.exec(query)![1]
    await registry.expect(404, 'GET', `/v2/${name}/manifests/1`, bearer(given.token))
    await registry.expect(401, 'GET', '/v2/private/x/manifests/1', bearer(given.token))
    await registry.expect(401, 'POST', `/v2/${name}/blobs/uploads/`, bearer(given.token))
  })

  test('a wrong password is told so where it is to be checked, or where more is wanted than everybody may', async () => {
    for (const query of [
      '',
      'account=someone&client_id=docker&offline_token=true',
      'scope=',
      'scope=nonsense',
      'scope=repository:x:',
      'scope=repository:x:pull,push',
      'scope=repository:x:push',
      'scope=repository:x:*',
      'scope=repository:private/x:pull',
      'scope=repository:x:pull&scope=repository:private/x:pull',
      'scope=repository:x:pull%20repository:y:push',
      'scope=registry:catalog:*',
      'scope=repository:x:pull&scope=registry:catalog:*',
    ])
      expect([query, (await request(query, wrong)).status]).toEqual([query, 401])
  })

  test('a form with a wrong password is answered alike', async () => {
    const fields = { grant_type: 'password', service: 'entrepot', username: 'someone', password: 'for-docker-hub' }
    const post = (more: object) =>
      registry.request('POST', '/v2/_token', { ...form({ ...fields, ...more }), clientAddress: `192.0.2.${++host}` })
    expect((await post({ scope: 'repository:x:pull' })).status).toBe(200)
    expect((await post({ scope: 'repository:x:pull,push' })).status).toBe(401)
    expect((await post({})).status).toBe(401)
  })

  test('guesses are counted, and who is slowed down for them goes on to get what everybody may have', async () => {
    const from = { clientAddress: '192.0.2.250' }
    const pull = () => request('scope=repository:x:pull', wrong, from)
    for (let guess = 0; guess < 12; guess++) expect((await pull()).status).toBe(200)
    expect((await request('', wrong, from)).status).toBe(429)
    expect((await request('scope=repository:private/x:pull', wrong, from)).status).toBe(429)
    expect((await pull()).status).toBe(200)
  })

  test('the right password gets a token of its user', async () => {
    const admin = basic('admin', registry.app().firstAdmin!.password)
    const answer = (await (await request('scope=repository:x:pull', admin)).json()) as Answer
    expect(decodeJwt(answer.token)).toMatchObject({ sub: 'admin' })
  })
})

describeRegistry('tokens where docker may keep one', { auth: undefined, tokens: { identity: true } }, (registry) => {
  test('docker login gets a refresh token', async () => {
    const admin = basic('admin', registry.app().firstAdmin!.password)
    const answer = await ask(registry, 'offline_token=true&client_id=docker&account=admin', admin)
    expect(answer.refresh_token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
  })
})

describeRegistry('a challenge for passwords', { auth: undefined, tokens: { challenge: 'basic' } }, (registry) => {
  test('leaves tokens good for who has one', async () => {
    const answer = await registry.expect(401, 'GET', '/v2/')
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="Entrepot"')
    const { token } = await ask(registry, '', basic('admin', registry.app().firstAdmin!.password))
    await registry.expect(200, 'GET', '/v2/', bearer(token))
    const wrong = await registry.expect(401, 'GET', '/v2/', bearer('nonsense'))
    expect(wrong.headers.get('www-authenticate')).toBe('Basic realm="Entrepot"')
  })
})

describeRegistry('a registry open to everyone', {}, (registry) => {
  test('gives no tokens, as nobody needs one', async () => {
    await registry.expect(404, 'GET', '/v2/_token')
  })
})
