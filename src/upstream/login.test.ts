import { afterEach, describe, expect, test } from 'bun:test'
import { type RudeAnswer, type RudeUpstream, respond, startRudeUpstream } from '../../test/helpers/rude-upstream.ts'
import { guardWith, upstreamAt } from '../../test/helpers/upstream.ts'
import { digestOf } from '../content/digest.ts'
import type { AppError } from '../errors.ts'
import { checkRealm } from './realm.ts'

const manifest = Buffer.from('{"schemaVersion":2}')
const digest = digestOf(manifest)
const found = { 'content-type': 'application/vnd.oci.image.manifest.v1+json', 'docker-content-digest': digest }
const account = { username: 'robot', password: 'pa:ss' }
const basic = `Basic ${btoa('robot:pa:ss')}`

const running: RudeUpstream[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.close()
})
async function rude(answer: RudeAnswer, address?: string): Promise<RudeUpstream> {
  const server = await startRudeUpstream(answer, address ? { address } : {})
  running.push(server)
  return server
}
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable(),
    (error: AppError) => error,
  )

/** A registry that takes the tokens `good()` says, and a token server that answers as told. */
async function withTokens(token: RudeAnswer, good: () => string, extra = '') {
  const tokens = await rude(token, '127.0.0.2')
  const challenge = `Bearer realm="${tokens.url}/token",service="far.test"${extra}`
  const registry = await rude((socket, { headers }) =>
    headers['authorization'] === `Bearer ${good()}`
      ? respond(socket, 200, found, manifest)
      : respond(socket, 401, { 'www-authenticate': challenge }),
  )
  return { tokens, registry }
}
const giving =
  (body: unknown): RudeAnswer =>
  (socket) =>
    respond(socket, 200, {}, JSON.stringify(body))

describe('basic login', () => {
  const wanting: RudeAnswer = (socket, { headers }) =>
    headers['authorization'] === basic
      ? respond(socket, 200, found, manifest)
      : respond(socket, 401, { 'www-authenticate': 'Basic realm="far"' })

  test('is sent once asked for, and from then on at once', async () => {
    const server = await rude(wanting)
    const far = upstreamAt(server.url, account)
    await far.manifest('app', '1')
    await far.manifest('app', '2')
    expect(server.requests.map(({ headers }) => headers['authorization'])).toEqual([undefined, basic, basic])
    expect(far.state().scheme).toBe('basic')
  })

  test('that is refused is told as that of the upstream, and stays no outage', async () => {
    const server = await rude(wanting)
    const far = upstreamAt(server.url, { ...account, password: 'wrong' })
    for (let i = 0; i < 4; i++) {
      const error = await errorOf(far.manifest('app', '1'))
      expect(error.code).toBe('unauthenticated')
      expect(error.message).toContain('credentials set for this upstream, of user robot')
      expect(error.message).not.toContain('wrong')
    }
    expect(far.state().health.state).toBe('ok')
  })

  test('that is missing is asked for', async () => {
    const server = await rude(wanting)
    const error = await errorOf(upstreamAt(server.url).manifest('app', '1'))
    expect(error).toMatchObject({ code: 'unauthenticated' })
    expect(error.message).toContain('no username is set')
  })
})

describe('token login', () => {
  test('asks with service, scope of the canonical name, and account', async () => {
    const { tokens, registry } = await withTokens(giving({ token: 'T1' }), () => 'T1')
    const far = upstreamAt(registry.url, { ...account, libraryPrefix: 'always' })
    expect(await far.manifest('app', '1')).toMatchObject({ digest })
    const { path, headers } = tokens.requests[0]!
    expect(Object.fromEntries(new URLSearchParams(path.split('?')[1]))).toEqual({
      service: 'far.test',
      scope: 'repository:library/app:pull',
      account: 'robot',
    })
    expect(headers['authorization']).toBe(basic)
    expect(JSON.stringify(registry.requests)).not.toContain(btoa('robot:pa:ss'))
  })

  test('is anonymous without an account', async () => {
    const { tokens, registry } = await withTokens(giving({ access_token: 'T1' }), () => 'T1')
    expect(await upstreamAt(registry.url).manifest('app', '1')).toMatchObject({ digest })
    expect(tokens.requests[0]!.headers['authorization']).toBeUndefined()
  })

  test('posts identity tokens', async () => {
    const { tokens, registry } = await withTokens(giving({ access_token: 'T1' }), () => 'T1')
    expect(await upstreamAt(registry.url, { identityToken: 'I D&' }).manifest('app', '1')).toMatchObject({ digest })
    const { method, body } = tokens.requests[0]!
    expect(method).toBe('POST')
    expect(Object.fromEntries(new URLSearchParams(body))).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'I D&',
      scope: 'repository:app:pull',
      service: 'far.test',
    })
  })

  test('is done once for many who ask at once, and once per image', async () => {
    const { tokens, registry } = await withTokens(giving({ token: 'T1', expires_in: 300 }), () => 'T1')
    const far = upstreamAt(registry.url)
    await Promise.all(Array.from({ length: 40 }, () => far.manifest('app', '1')))
    expect(tokens.requests).toHaveLength(1)
    await far.manifest('other', '1')
    await far.manifest('app', '1')
    expect(tokens.requests).toHaveLength(2)
  })

  test('is done anew a little before a token ends', async () => {
    let time = 0
    const { tokens, registry } = await withTokens(giving({ token: 'T1', expires_in: 300 }), () => 'T1')
    const far = upstreamAt(registry.url, {}, { now: () => time })
    await far.manifest('app', '1')
    time = 269_000
    await far.manifest('app', '1')
    expect(tokens.requests).toHaveLength(1)
    time = 271_000
    await far.manifest('app', '1')
    expect(tokens.requests).toHaveLength(2)
  })

  test('is done anew, once, when a token is refused early', async () => {
    let good = 'T1'
    const { tokens, registry } = await withTokens(
      (socket) => respond(socket, 200, {}, JSON.stringify({ token: good, expires_in: 300 })),
      () => good,
    )
    const far = upstreamAt(registry.url)
    await far.manifest('app', '1')
    good = 'T2'
    expect(await far.manifest('app', '1')).toMatchObject({ digest })
    expect(tokens.requests).toHaveLength(2)
  })

  test('that helps nothing is a refusal, as Docker Hub says of images that are not there', async () => {
    const { tokens, registry } = await withTokens(giving({ token: 'T1' }), () => 'another')
    expect(await errorOf(upstreamAt(registry.url).manifest('nope', '1'))).toMatchObject({
      code: 'denied',
      detail: { status: 401 },
    })
    expect(tokens.requests).toHaveLength(1)
  })

  test('adds a scope that the service wants besides, but no image of its choice', async () => {
    const scopes: string[][] = []
    for (const scope of ['aws', 'repository:other:pull,push']) {
      const { tokens, registry } = await withTokens(giving({ token: 'T1' }), () => 'T1', `,scope="${scope}"`)
      await upstreamAt(registry.url).manifest('app', '1')
      scopes.push(new URLSearchParams(tokens.requests[0]!.path.split('?')[1]).getAll('scope'))
    }
    expect(scopes).toEqual([['repository:app:pull', 'aws'], ['repository:app:pull']])
  })

  const refusals: [what: string, answer: RudeAnswer, code: string][] = [
    ['refuses the account', (socket) => respond(socket, 401), 'unauthenticated'],
    ['asks to slow down', (socket) => respond(socket, 429, { 'retry-after': '99' }), 'throttled'],
    ['is down', (socket) => respond(socket, 503), 'upstream-failed'],
    ['sends no JSON', (socket) => respond(socket, 200, {}, 'hello'), 'upstream-failed'],
    ['sends no token', giving({}), 'upstream-failed'],
    ['sends a token that would break a header', giving({ token: 'a\r\nX-Evil: 1' }), 'upstream-failed'],
  ]
  for (const [what, answer, code] of refusals) {
    test(`tells when the token server ${what}`, async () => {
      const { registry } = await withTokens(answer, () => 'T1')
      const error = await errorOf(upstreamAt(registry.url, account).manifest('app', '1'))
      expect(error.code as string).toBe(code)
      expect(error.message).toContain('upstream far')
    })
  }

  test('does not go to a metadata service', async () => {
    const registry = await rude((socket) =>
      respond(socket, 401, { 'www-authenticate': 'Bearer realm="http://169.254.169.254/token"' }),
    )
    expect(await errorOf(upstreamAt(registry.url).manifest('app', '1'))).toMatchObject({ code: 'policy-refused' })
    const named = await rude((socket) =>
      respond(socket, 401, { 'www-authenticate': 'Bearer realm="http://evil.test/token"' }),
    )
    const guard = guardWith({ 'evil.test': ['169.254.169.254'] })
    expect(await errorOf(upstreamAt(named.url, {}, { guard }).manifest('app', '1'))).toMatchObject({
      code: 'policy-refused',
    })
  })

  test('does not follow a token server with the account to another host', async () => {
    const elsewhere = await rude(giving({ token: 'T1' }))
    const { registry } = await withTokens(
      (socket) => respond(socket, 307, { location: `${elsewhere.url}/t` }),
      () => 'T1',
    )
    await upstreamAt(registry.url, account).manifest('app', '1')
    expect(elsewhere.requests[0]!.headers['authorization']).toBeUndefined()
    const posted = await withTokens(
      (socket) => respond(socket, 307, { location: `${elsewhere.url}/t` }),
      () => 'T1',
    )
    expect(await errorOf(upstreamAt(posted.registry.url, { identityToken: 'I' }).manifest('app', '1'))).toMatchObject({
      code: 'upstream-failed',
    })
  })
})

describe('the realm of a token server', () => {
  const table: [upstream: string, realm: string, hasAccount: boolean, isFine: boolean][] = [
    ['https://a.test', 'https://auth.test/token', true, true],
    ['https://a.test', 'http://auth.test/token', true, false],
    ['https://a.test', 'http://auth.test/token', false, true],
    ['https://a.test', 'http://a.test:8080/token', true, true],
    ['https://a.test', 'http://127.0.0.1/token', true, true],
    ['https://a.test', 'http://localhost:5001/token', true, true],
    ['https://a.test', 'http://127.evil.test/token', true, false],
    ['http://a.test', 'http://auth.test/token', true, true],
    ['https://a.test', 'https://user:pass@auth.test/token', false, false],
    ['https://a.test', 'file:///etc/passwd', false, false],
    ['https://a.test', '/token', false, false],
  ]
  for (const [upstream, realm, hasAccount, isFine] of table) {
    test(`${realm} is ${isFine ? 'fine' : 'refused'} for ${upstream} ${hasAccount ? 'with' : 'without'} an account`, () => {
      const check = () => checkRealm(realm, new URL(upstream), hasAccount, 'far')
      if (isFine) expect(check().href).toBe(new URL(realm).href)
      else expect(check).toThrow('token server')
    })
  }
})
