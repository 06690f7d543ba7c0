import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeRegistry, digestOf } from '../helpers/registry.ts'

const folder = mkdtempSync(join(tmpdir(), 'entrepot-htpasswd-'))
const file = join(folder, 'htpasswd')
// The cheapest cost: what is tested is who is let in, not how long it takes.
writeFileSync(file, `ann:${await Bun.password.hash('s3cret:with:colons', { algorithm: 'bcrypt', cost: 4 })}\n`, {
  mode: 0o600,
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})
const ann = basic('ann', 's3cret:with:colons')

describeRegistry('authentication', { auth: { htpasswd: { realm: 'Registry Realm', path: file } } }, (registry) => {
  const everything = [
    ['GET', '/v2/'],
    ['GET', '/v2'],
    ['GET', '/v2/_catalog'],
    ['GET', '/v2/a/tags/list'],
    ['GET', '/v2/a/manifests/x'],
    ['GET', `/v2/a/manifests/${digestOf('x')}`],
    ['PUT', '/v2/a/manifests/x'],
    ['DELETE', '/v2/a/manifests/x'],
    ['GET', `/v2/a/blobs/${digestOf('x')}`],
    ['DELETE', `/v2/a/blobs/${digestOf('x')}`],
    ['GET', `/v2/a/referrers/${digestOf('x')}`],
    ['POST', '/v2/a/blobs/uploads/'],
    ['POST', `/v2/a/blobs/uploads/?mount=${digestOf('x')}`],
    ['GET', '/v2/a/blobs/uploads/00000000-0000-4000-8000-000000000000'],
    ['PATCH', '/v2/a/blobs/uploads/00000000-0000-4000-8000-000000000000'],
    ['PUT', '/v2/a/blobs/uploads/00000000-0000-4000-8000-000000000000'],
    ['DELETE', '/v2/a/blobs/uploads/00000000-0000-4000-8000-000000000000'],
    ['GET', '/v1/search?q=a'],
  ] as const

  for (const [method, path] of everything) {
    test(`${method} ${path.slice(0, 45)} without credentials is answered with the challenge`, async () => {
      const answer = await registry.request(method, path)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="Registry Realm"/)
      expect(((await answer.json()) as { errors: { code: string }[] }).errors[0]?.code).toBe('UNAUTHORIZED')
    })
  }

  test('HEAD without credentials is answered with the challenge and no body', async () => {
    const answer = await registry.expect(401, 'HEAD', '/v2/a/manifests/x')
    expect(answer.headers.has('www-authenticate')).toBe(true)
  })

  test('what exists and what does not look the same from outside', async () => {
    await registry.expect(201, 'POST', `/v2/a/blobs/uploads/?digest=${digestOf('known')}`, {
      headers: ann,
      body: 'known',
    })
    const bodies = await Promise.all(
      ['known', 'unknown'].map(async (content) =>
        (await registry.expect(401, 'GET', `/v2/a/blobs/${digestOf(content)}`)).text(),
      ),
    )
    expect(bodies[0]).toBe(bodies[1]!)
  })

  test('a user who is known does everything', async () => {
    await registry.expect(200, 'GET', '/v2/', { headers: ann })
    await registry.expect(202, 'POST', '/v2/b/blobs/uploads/', { headers: ann })
    await registry.expect(200, 'GET', '/v2/_catalog', { headers: ann })
    await registry.expect(200, 'GET', '/v1/search?q=a', { headers: ann })
    await registry.expect(404, 'GET', '/v2/nobody/tags/list', { headers: ann })
  })

  describe('credentials that are none', () => {
    // Few enough that nobody is slowed down for guessing.
    for (const [index, headers] of [
      basic('ann', 'wrong'),
      basic('bob', 's3cret:with:colons'),
      basic('ann', ''),
      { authorization: 'Basic' },
      { authorization: 'Basic !!!' },
      { authorization: 'Bearer abc' },
      { authorization: `${ann.authorization}, ${ann.authorization}` },
    ].entries()) {
      test(`form ${index} is answered with the challenge, and the password is not repeated`, async () => {
        const answer = await registry.request('GET', '/v2/', { headers, clientAddress: `192.0.2.${index}` })
        expect(answer.status).toBe(401)
        expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="Registry Realm"/)
        expect(await answer.text()).not.toContain('s3cret')
      })
    }
  })

  test('what needs no login needs none', async () => {
    await registry.expect(200, 'GET', '/v1/_ping')
    await registry.expect(200, 'GET', '/healthz')
  })
})

describeRegistry('a registry open to everyone', {}, (registry) => {
  test('lets in whoever sends credentials, too', async () => {
    for (const headers of [ann, { authorization: 'Bearer x' }, {}]) {
      const answer = await registry.expect(200, 'GET', '/v2/', { headers })
      expect(answer.headers.has('www-authenticate')).toBe(false)
    }
  })
})

describeRegistry('a registry on its first start', { auth: undefined }, (registry) => {
  test('asks for a login, and lets in the admin it has made', async () => {
    const { name, password } = registry.app().firstAdmin!
    await registry.expect(401, 'GET', '/v2/')
    await registry.expect(401, 'GET', '/v2/', { headers: basic(name, 'admin') })
    await registry.expect(200, 'GET', '/v2/', { headers: basic(name, password) })
    await registry.expect(202, 'POST', '/v2/app/blobs/uploads/', { headers: basic(name, password) })
  })
})
