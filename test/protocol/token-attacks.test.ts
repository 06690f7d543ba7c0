import { beforeAll, describe, expect, test } from 'bun:test'
import { createHmac, createPublicKey } from 'node:crypto'
import { join } from 'node:path'
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { openDatabase } from '../../src/database/database.ts'
import { createLocalUsers } from '../../src/identity/local-users.ts'
import { createAccessTokens } from '../../src/identity/tokens/access-tokens.ts'
import { createTokenIssuer } from '../../src/identity/tokens/issuer.ts'
import { createRobots } from '../../src/identity/tokens/robots.ts'
import { plainSealer } from '../../src/identity/tokens/sealer.ts'
import { openSigningKeys } from '../../src/identity/tokens/signing-keys.ts'
import { databaseUserStore } from '../../src/identity/user-store.ts'
import { openSecrets } from '../../src/secrets/secrets.ts'
import { describeRegistry, digestOf, type TestRegistry } from '../helpers/registry.ts'

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const withToken = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

async function take(registry: TestRegistry, authorization: string | undefined, ...scopes: string[]): Promise<string> {
  const query = new URLSearchParams(scopes.map((scope) => ['scope', scope]))
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
  const answer = await registry.expect(200, 'GET', `/v2/_token?${query}`, { headers })
  return ((await answer.json()) as { token: string }).token
}

describeRegistry('attacks with tokens', { auth: undefined }, (registry) => {
  let admin = ''
  let good = ''
  let publicJwk: JWK = {}
  const seconds = () => Math.floor(Date.now() / 1000)
  const blob = `/v2/secret/app/blobs/${digestOf('secret')}`

  beforeAll(async () => {
    admin = basic('admin', registry.app().firstAdmin!.password)
    await registry.expect(201, 'POST', `/v2/secret/app/blobs/uploads/?digest=${digestOf('secret')}`, {
      headers: { authorization: admin },
      body: 'secret',
    })
    good = await take(registry, admin, 'repository:secret/app:pull')
    const jwks = (await (await registry.expect(200, 'GET', '/v2/_token/jwks')).json()) as { keys: JWK[] }
    publicJwk = jwks.keys[0]!
    await registry.expect(200, 'GET', blob, withToken(good))
  })

  /** A token as the registry makes them, with its own key, so that nothing but the change is wrong with it. */
  async function forged(
    change: (payload: JWTPayload) => JWTPayload,
    header: Record<string, unknown> = {},
  ): Promise<string> {
    const { db } = registry.app()
    const sealer = openSecrets({ key: undefined, file: join(registry.dataDir, 'secrets.key') })
    const open = (envelope: string) => (sealer.isSealed(envelope) ? sealer.open(envelope) : envelope)
    const keys = await openSigningKeys({
      db,
      sealer: { ...sealer, open },
      now: Date.now,
      lifetimeMs: 1e12,
      overlapMs: 1e12,
    })
    const { kid, privateKey } = keys.current()
    const payload = change({ ...decodeJwt(good) })
    return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid, ...header }).sign(privateKey)
  }

  async function refused(token: string): Promise<string> {
    const answer = await registry.expect(401, 'GET', blob, withToken(token))
    const challenge = answer.headers.get('www-authenticate') ?? ''
    expect(challenge).toMatch(
      /^Bearer realm="http:\/\/localhost\/v2\/_token",service="entrepot",scope="repository:secret\/app:pull",/,
    )
    return challenge
  }

  async function invalid(token: string): Promise<void> {
    expect(await refused(token)).toContain('error="invalid_token"')
  }

  test('a forgery that changes nothing is let in: the tests below fail for their own reasons', async () => {
    await registry.expect(200, 'GET', blob, withToken(await forged((payload) => payload)))
  })

  test('a token without a signature', async () => {
    const [, body] = good.split('.')
    await invalid(`${part({ alg: 'none', typ: 'JWT' })}.${body}.`)
    await invalid(`${part({ ...decodeProtectedHeader(good), alg: 'none' })}.${body}.`)
    await invalid(`${good.split('.').slice(0, 2).join('.')}.`)
  })

  test('a token signed with the public key as a shared secret', async () => {
    const { kid } = decodeProtectedHeader(good)
    const pem = createPublicKey({ key: publicJwk as never, format: 'jwk' }).export({ format: 'pem', type: 'spki' })
    const secrets = [String(pem), JSON.stringify(publicJwk), Buffer.from(publicJwk.x ?? '', 'base64url')]
    for (const secret of secrets) {
      const text = `${part({ alg: 'HS256', typ: 'JWT', kid })}.${good.split('.')[1]}`
      await invalid(`${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`)
    }
  })

  test('a token signed with a key that it brings along', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwk = await exportJWK(publicKey)
    for (const header of [
      { jwk },
      { kid: publicJwk.kid },
      { kid: publicJwk.kid, jwk },
      { jku: 'http://127.0.0.1:1/jwks' },
      {},
    ]) {
      const token = await new SignJWT(decodeJwt(good))
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT', ...header } as never)
        .sign(privateKey)
      await invalid(token)
    }
  })

  test.each([
    ['expired', (payload: JWTPayload) => ({ ...payload, exp: seconds() - 61, nbf: 1, iat: 1 })],
    ['without an end', ({ exp: _, ...payload }: JWTPayload) => payload],
    ['not valid yet', (payload: JWTPayload) => ({ ...payload, nbf: seconds() + 120 })],
    ['for another audience', (payload: JWTPayload) => ({ ...payload, aud: 'another' })],
    ['for no audience', ({ aud: _, ...payload }: JWTPayload) => payload],
    ['of another issuer', (payload: JWTPayload) => ({ ...payload, iss: 'another' })],
    ['of nobody', ({ sub: _, ...payload }: JWTPayload) => payload],
    ['for a user who is not there', (payload: JWTPayload) => ({ ...payload, sub: 'ghost' })],
    [
      'with the password of somebody else',
      (payload: JWTPayload) => changed(payload, { credential: 'local:AAAAAAAAAAAAAAAA' }),
    ],
    [
      'of a source of users that is not there',
      (payload: JWTPayload) => changed(payload, { credential: 'elsewhere:x' }),
    ],
    ['without a credential', (payload: JWTPayload) => changed(payload, { credential: undefined })],
  ])('a token %s', async (_, change) => {
    await invalid(await forged(change))
  })

  test('a token of another kind', async () => {
    await invalid(await forged((payload) => payload, { typ: 'refresh+jwt' }))
    await invalid(await forged((payload) => ({ ...payload, aud: 'entrepot/refresh' }), { typ: 'refresh+jwt' }))
  })

  test('a token with critical extensions that nobody knows', async () => {
    const [, body, signature] = good.split('.')
    await invalid(`${part({ ...decodeProtectedHeader(good), crit: ['own'], own: 1 })}.${body}.${signature}`)
  })

  test('a token with more scopes than it was signed with', async () => {
    const [header, , signature] = good.split('.')
    const access = [{ type: 'repository', name: 'secret/app', actions: ['pull', 'push', 'delete'] }]
    await invalid(`${header}.${part({ ...decodeJwt(good), access })}.${signature}`)
  })

  test('a token used for more than it was issued for', async () => {
    const insufficient = async (method: string, target: string) => {
      const answer = await registry.expect(401, method, target, withToken(good))
      expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
    }
    await insufficient('DELETE', blob)
    await insufficient('POST', '/v2/secret/app/blobs/uploads/')
    await insufficient('GET', '/v2/secret/ap/tags/list')
    await insufficient('GET', '/v2/secret/apps/tags/list')
    await insufficient('GET', '/v2/secret/app/more/tags/list')
    await insufficient('GET', '/v2/secret/tags/list')
    await insufficient('GET', '/v2/private/secret/app/tags/list')
    await insufficient('GET', '/v2/_catalog')
  })

  test('paths that look like the one the token is for', async () => {
    for (const path of ['/v2/secret%2Fapp/tags/list', '/v2/secret/app/tags/list'])
      expect((await registry.request('GET', path, withToken(good))).status).toBe(404)
    for (const path of ['/v2/secret/app/../other/tags/list', '/v2/secret/app%2F..%2Fother/tags/list'])
      expect((await registry.request('GET', path, withToken(good))).status).toBe(400)
  })

  test('garbage in every place', async () => {
    const [header, body, signature] = good.split('.')
    const kid = (value: unknown) => `${part({ alg: 'ES256', typ: 'JWT', kid: value })}.${body}.${signature}`
    const tokens = [
      'x',
      '.',
      '..',
      '...',
      'a.b.c',
      `${header}.${body}.${signature}.${signature}`,
      `${header}.!!!.${signature}`,
      `${header}.${Buffer.from('[]').toString('base64url')}.${signature}`,
      ...[`' or 1=1 --`, '../../etc/passwd', 'x'.repeat(5000), '', null, 7, {}, ['a'], '\u0000'].map(kid),
    ]
    for (const token of tokens) await invalid(token)
  })

  test('a token too long for anything is refused before it is read', async () => {
    await invalid(`${good}${'A'.repeat(20_000)}`)
    await invalid('A'.repeat(60_000))
  })

  test('two tokens, and a token beside a password', async () => {
    await invalid(`${good}, Bearer ${good}`)
    const answer = await registry.request('GET', blob, { headers: { authorization: `${admin}, Bearer ${good}` } })
    expect(answer.status).toBe(401)
  })

  describe('after a change', () => {
    test('a token of a user who was removed, or has another password, opens nothing', async () => {
      // Another instance, so to speak: the registry learns of it when it looks at the user again.
      const users = createLocalUsers(databaseUserStore(registry.app().db))
      await users.add({ name: 'leaver', password: 'first password', admin: false })
      const token = async (password: string) => take(registry, basic('leaver', password), 'repository:secret/app:pull')
      const before = await token('first password')
      await users.setPassword('leaver', 'second password')
      await invalid(before)
      const after = await token('second password')
      await users.remove('leaver')
      await invalid(after)
    })

    test('a token bought with an access token dies with that, and so does its refresh token', async () => {
      const tokens = createAccessTokens(registry.app().db, Date.now)
      const { token, secret } = await tokens.create({ owner: { kind: 'user', name: 'admin' }, name: 'test' })
      const authorization = basic('admin', secret)
      const bought = await take(registry, authorization, 'repository:secret/app:pull')
      const offline = await registry.expect(200, 'GET', '/v2/_token?offline_token=true', { headers: { authorization } })
      const refresh = ((await offline.json()) as { refresh_token: string }).refresh_token
      await tokens.revoke(token.id)
      await invalid(bought)
      await registry.refused(401, 'UNAUTHORIZED', 'POST', '/v2/_token', {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refresh }).toString(),
      })
    })
  })

  describe('by a robot', () => {
    let robot = ''
    beforeAll(async () => {
      const { db } = registry.app()
      const tokens = createAccessTokens(db, Date.now)
      const robots = createRobots({ db, tokens, namePattern: 'robot-*', isUser: async () => false, now: Date.now })
      const { name } = await robots.create({ name: 'robot-ci' })
      const limits = [{ repository: 'private', images: ['team/**'], actions: ['pull', 'push'] }]
      const { secret } = await tokens.create({ owner: { kind: 'robot', name }, name: 'test', limits })
      robot = basic(name, secret)
    })

    test('of another image or repository', async () => {
      await registry.expect(202, 'POST', '/v2/team/app/blobs/uploads/', { headers: { authorization: robot } })
      await registry.refused(403, 'DENIED', 'GET', blob, { headers: { authorization: robot } })
      const token = await take(registry, robot, 'repository:secret/app:pull', 'repository:team/app:pull,push,delete')
      expect(decodeJwt(token)['access']).toEqual([{ type: 'repository', name: 'team/app', actions: ['pull', 'push'] }])
      expect(await refused(token)).toContain('error="insufficient_scope"')
      await registry.expect(202, 'POST', '/v2/team/app/blobs/uploads/', withToken(token))
    })

    test('with claims for more than it may', async () => {
      const token = await take(registry, robot, 'repository:team/app:pull')
      const more = await forged(() => ({
        ...decodeJwt(token),
        access: [{ type: 'repository', name: 'secret/app', actions: ['*'] }],
        entrepot: { ...(decodeJwt(token)['entrepot'] as object), admin: true, limits: undefined },
      }))
      expect(await refused(more)).toContain('error="insufficient_scope"')
    })

    test('that mounts what it may not pull', async () => {
      const target = `/v2/team/app/blobs/uploads/?mount=${digestOf('secret')}&from=secret/app`
      await registry.expect(202, 'POST', target, { headers: { authorization: robot } })
      const token = await take(registry, robot, 'repository:team/app:pull,push', 'repository:secret/app:pull')
      await registry.expect(202, 'POST', target, withToken(token))
    })

    test('that reads numbers or sees names it may not pull', async () => {
      await registry.expect(403, 'GET', '/metrics', { headers: { authorization: robot } })
      const answer = await registry.expect(200, 'GET', '/v2/_catalog', { headers: { authorization: robot } })
      expect(await answer.text()).not.toContain('secret')
    })
  })

  test('keys of another database', async () => {
    const folder = await openDatabase('sqlite::memory:')
    try {
      const keys = await openSigningKeys({
        db: folder,
        sealer: plainSealer,
        now: Date.now,
        lifetimeMs: 1e12,
        overlapMs: 1e12,
      })
      const issuer = createTokenIssuer({
        keys,
        service: 'entrepot',
        lifetimeMs: 300_000,
        refreshLifetimeMs: 0,
        now: Date.now,
      })
      const principal = { kind: 'user', name: 'admin', admin: true, groups: [] } as const
      const scopes = [{ type: 'repository', name: 'secret/app', actions: ['pull'] }]
      await invalid((await issuer.access(principal, scopes)).token)
    } finally {
      await folder.close()
    }
  })
})

function changed(payload: JWTPayload, own: object): JWTPayload {
  return { ...payload, entrepot: { ...(payload['entrepot'] as object), ...own } }
}
