import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { libtrustName } from '../../src/identity/tokens/trusted-keys.ts'
import { type Certificates, makeCertificates } from '../helpers/openssl.ts'
import { describeRegistry, digestOf, type RequestOptions, type TestRegistry } from '../helpers/registry.ts'
import { startTokenServer, type TokenServer } from '../helpers/token-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'entrepot-token-server-'))
const certificates = await makeCertificates(join(folder, 'trusted'))
const strangers = await makeCertificates(join(folder, 'strangers'))
const jwksKey = await generateKeyPair('RS256')
const jwksFile = join(folder, 'jwks.json')
writeFileSync(
  jwksFile,
  JSON.stringify({ keys: [{ ...(await exportJWK(jwksKey.publicKey)), kid: 'first', alg: 'RS256' }] }),
)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const bearer = (token: string): RequestOptions => ({ headers: { authorization: `Bearer ${token}` } })
const der = (file: string) => new X509Certificate(readFileSync(file)).raw.toString('base64')
const pull = [{ type: 'repository', name: 'team/app', actions: ['pull'] }]
const claims = (more: JWTPayload = {}): JWTPayload => {
  const now = Math.floor(Date.now() / 1000)
  return { iss: 'them', aud: 'hub', sub: 'ada', iat: now, nbf: now - 10, exp: now + 300, access: pull, ...more }
}

/** Signed with the key of these certificates, named in the header as `header` says. */
function signed({ key }: Certificates, header: Record<string, unknown>, payload = claims()): Promise<string> {
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', ...header } as never)
    .sign(createPrivateKey(readFileSync(key)))
}

const settings = {
  realm: 'https://auth.example.com/token',
  service: 'hub',
  issuer: 'them',
  rootcertbundle: certificates.ca,
  jwks: jwksFile,
}

/** May pull `team/app`, which is not there. */
const isIn = (registry: TestRegistry, token: string) =>
  registry.refused(404, 'NAME_UNKNOWN', 'GET', '/v2/team/app/tags/list', bearer(token))

async function isOut(registry: TestRegistry, token: string): Promise<void> {
  const answer = await registry.expect(401, 'GET', '/v2/team/app/tags/list', bearer(token))
  expect(answer.headers.get('www-authenticate')).toBe(
    'Bearer realm="https://auth.example.com/token",service="hub",scope="repository:team/app:pull",error="invalid_token"',
  )
}

describeRegistry('tokens of another server', { auth: { token: settings } }, (registry) => {
  let server: TokenServer
  beforeAll(() => {
    server = startTokenServer({ certificates, issuer: 'them' })
  })
  afterAll(() => server.stop())

  test('clients are sent there', async () => {
    const answer = await registry.expect(401, 'GET', '/v2/')
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="https://auth.example.com/token",service="hub"')
    await registry.expect(404, 'GET', '/v2/_token')
  })

  test('open what they say and nothing else', async () => {
    const query = 'service=hub&scope=repository:team/app:pull,push'
    const { token } = (await (await fetch(`${server.realm}?${query}`)).json()) as { token: string }
    await registry.expect(200, 'GET', '/v2/', bearer(token))
    const started = await registry.expect(202, 'POST', '/v2/team/app/blobs/uploads/', bearer(token))
    await registry.expect(201, 'PUT', `${started.headers.get('location')}?digest=${digestOf('x')}`, {
      ...bearer(token),
      body: 'x',
    })
    await registry.expect(200, 'GET', `/v2/team/app/blobs/${digestOf('x')}`, bearer(token))
    for (const [method, target] of [
      ['DELETE', `/v2/team/app/blobs/${digestOf('x')}`],
      ['GET', '/v2/team/other/tags/list'],
      ['GET', '/v2/_catalog'],
    ] as const) {
      const answer = await registry.expect(401, method, target, bearer(token))
      expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
    }
    expect((await registry.request('GET', '/metrics', bearer(token))).status).toBe(403)
  })

  test('passwords are not taken', async () => {
    const headers = { authorization: `Basic ${btoa('admin:admin')}` }
    await registry.refused(401, 'UNAUTHORIZED', 'GET', '/v2/', { headers })
  })

  describe('are believed', () => {
    test('by a chain of certificates that leads to a trusted authority', async () => {
      await isIn(registry, await signed(certificates, { x5c: [der(certificates.cert)] }))
      await isIn(registry, await signed(certificates, { x5c: [der(certificates.cert), der(certificates.ca)] }))
    })

    test('by a key that the key set names', async () => {
      const token = await new SignJWT(claims())
        .setProtectedHeader({ alg: 'RS256', kid: 'first' })
        .sign(jwksKey.privateKey)
      await isIn(registry, token)
    })

    test('of nobody in particular, for what anybody may', async () => {
      await isIn(registry, await signed(certificates, { x5c: [der(certificates.cert)] }, claims({ sub: '' })))
    })

    test('for several audiences', async () => {
      await isIn(
        registry,
        await signed(certificates, { x5c: [der(certificates.cert)] }, claims({ aud: ['other', 'hub'] })),
      )
    })
  })

  describe('are not believed', () => {
    const trusted = { x5c: [der(certificates.cert)] }

    test.each([
      ['another issuer', { iss: 'somebody' }],
      ['another audience', { aud: 'elsewhere' }],
      ['an end in the past', { exp: Math.floor(Date.now() / 1000) - 120 }],
      ['a beginning in the future', { nbf: Math.floor(Date.now() / 1000) + 120 }],
      ['no end', { exp: undefined }],
    ] as [string, JWTPayload][])('with %s', async (_, more) => {
      await isOut(registry, await signed(certificates, trusted, claims(more)))
    })

    test('with certificates of a stranger, or somebody else’s', async () => {
      await isOut(registry, await signed(strangers, { x5c: [der(strangers.cert)] }))
      await isOut(registry, await signed(strangers, { x5c: [der(strangers.cert), der(strangers.ca)] }))
      await isOut(registry, await signed(strangers, trusted))
      await isOut(registry, await signed(strangers, { x5c: [der(strangers.cert), der(certificates.ca)] }))
      for (const x5c of [[], ['nonsense'], 'nonsense', [7], Array.from({ length: 50 }, () => der(certificates.cert))])
        await isOut(registry, await signed(certificates, { x5c }))
    })

    test('with a key that they bring along, or that nobody knows', async () => {
      const { publicKey, privateKey } = await generateKeyPair('ES256')
      for (const header of [{ jwk: await exportJWK(publicKey) }, { kid: 'first' }, { kid: 'unknown' }, {}]) {
        const token = new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', ...header } as never)
        await isOut(registry, await token.sign(privateKey))
      }
    })

    test('with a public key as a shared secret', async () => {
      const secret = readFileSync(certificates.ca)
      for (const header of [{ kid: 'first' }, trusted])
        await isOut(
          registry,
          await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', ...header } as never).sign(secret),
        )
    })

    test('with claims that are none', async () => {
      for (const access of [
        undefined,
        'all',
        [null],
        [{ type: 'repository', name: 'team/app', actions: 'pull' }],
        {},
      ]) {
        const token = await signed(certificates, trusted, claims({ access }))
        const answer = await registry.expect(401, 'GET', '/v2/team/app/tags/list', bearer(token))
        expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
      }
    })
  })
})

const keyOnly = { ...settings, rootcertbundle: certificates.cert, jwks: undefined, signingalgorithms: ['ES256'] }
const autoredirect = { ...keyOnly, autoredirect: true, autoredirectpath: '/auth/token' }
describeRegistry('tokens signed by a key that stands in the bundle', { auth: { token: autoredirect } }, (registry) => {
  test('are believed by its fingerprint, as registry:2 has it, or its thumbprint', async () => {
    const { publicKey } = new X509Certificate(readFileSync(certificates.cert))
    const kid = libtrustName(publicKey)
    expect(kid).toMatch(/^([A-Z2-7]{4}:){11}[A-Z2-7]{4}$/)
    await isIn(registry, await signed(certificates, { kid }))
    await isIn(registry, await signed(certificates, { jwk: publicKey.export({ format: 'jwk' }) }))
    await isIn(registry, await signed(certificates, { x5c: [der(certificates.cert)] }))
  })

  test('in other ways than those listed are not', async () => {
    const token = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'RS256', kid: 'first' })
      .sign(jwksKey.privateKey)
    await registry.expect(401, 'GET', '/v2/team/app/tags/list', bearer(token))
  })

  test('are fetched from the address by which the client came', async () => {
    const origin = { scheme: 'https', host: 'hub.example.com' } as const
    const answer = await registry.expect(401, 'GET', '/v2/', { origin })
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer realm="https://hub.example.com/auth/token",service="hub"',
    )
  })
})
