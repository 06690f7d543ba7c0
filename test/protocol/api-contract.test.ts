import { beforeAll, expect, test } from 'bun:test'
import { apiOf, type Who } from '../helpers/api.ts'
import { type Operation, operationFor, operationsOf } from '../helpers/contract.ts'
import { describeRegistry } from '../helpers/registry.ts'
import { respond, startRudeUpstream } from '../helpers/rude-upstream.ts'

const settings = {
  auth: undefined,
  blobStores: { fast: { inmemory: {} } },
  repositories: [{ name: 'private' }],
  // Nothing listens there.
  oidc: { issuer: 'http://127.0.0.1:9', clientId: 'us', clientSecret: 'a secret' },
}

/** To succeed, these need a provider or a directory to talk to. */
const needsProvider = ['GET /api/v1/oidc/login', 'GET /api/v1/oidc/callback', 'POST /api/v1/ldap/test']

describeRegistry('the API and its document', settings, (registry) => {
  const api = apiOf(registry)
  const nameOf = ({ method, template }: Operation) => `${method} ${template}`
  let operations: Operation[] = []
  const succeeded = new Set<string>()

  beforeAll(async () => {
    registry.app().startJobs()
    operations = operationsOf(await api.expect(200, undefined, 'GET', '/openapi.json'))
  })

  /** Asks, and holds the answer against the document. */
  async function ask<T = Record<string, unknown>>(
    who: Who,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: T }> {
    const operation = operationFor(operations, method, `/api/v1${path}`)
    if (!operation) throw new Error(`${method} ${path} is not in the document`)
    const answer = await api.call<T>(who, method, path, body, headers)
    const about = `${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`
    if (!operation.answers.has(answer.status)) throw new Error(`not declared: ${about}`)
    const judge = operation.answers.get(answer.status)
    if (judge && !judge(answer.body)) throw new Error(`${about}\n${JSON.stringify(judge.errors, null, 1)}`)
    if (!judge) expect(answer.body, about).toBeUndefined()
    if (answer.status < 300) succeeded.add(nameOf(operation))
    return answer
  }

  async function does<T = Record<string, unknown>>(status: number, method: string, path: string, body?: unknown) {
    const answer = await ask<T>(api.admin(), method, path, body)
    if (answer.status !== status)
      throw new Error(`${method} ${path}: expected ${status}, got ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  const samples: Record<string, string> = { job: '1', grant: '1', token: '1', reference: 'latest', tag: 'latest' }
  const pathOf = ({ template }: Operation) =>
    template.replace('/api/v1', '').replace(/\{(\w+)\}/g, (_, name: string) => samples[name] ?? 'private')

  test('strangers get nothing but what is for anyone', async () => {
    for (const operation of operations) {
      const { status } = await ask(undefined, operation.method, pathOf(operation))
      if (operation.access !== 'anyone') expect([nameOf(operation), status]).toEqual([nameOf(operation), 401])
      if (!needsProvider.includes(nameOf(operation))) expect(status, nameOf(operation)).toBeLessThan(500)
    }
  })

  test('what is known to be nobody special gets 403 where it is for admins', async () => {
    const eve = { name: 'eve', password: 'a good password' }
    await does(201, 'POST', '/users', eve)
    for (const operation of operations.filter(({ access }) => access === 'admin' || access.includes(' on ')))
      expect([nameOf(operation), (await ask(eve, operation.method, pathOf(operation))).status]).toEqual([
        nameOf(operation),
        403,
      ])
    await does(204, 'DELETE', '/users/eve')
  })

  test('a body that is none is refused with 400', async () => {
    for (const operation of operations.filter(({ hasBody }) => hasBody)) {
      expect([
        nameOf(operation),
        (await ask(api.admin(), operation.method, pathOf(operation), ['nonsense'])).status,
      ]).toEqual([nameOf(operation), 400])
      const broken = await registry
        .app()
        .handler(
          registry.incoming(
            operation.method,
            `/api/v1${pathOf(operation)}`,
            { 'content-type': 'application/json', authorization: `Basic ${btoa(`admin:${api.admin().password}`)}` },
            { body: '{"cut off' },
          ),
        )
      expect([nameOf(operation), broken.status]).toEqual([nameOf(operation), 400])
    }
  })

  test('a whole story answers as it is written', async () => {
    const password = 'a good password'
    const credentials = { ...api.admin() }
    const session = await api.call<{ csrf: string }>(undefined, 'POST', '/session', credentials)
    const cookie = session.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const inBrowser = { cookie, 'x-csrf-token': session.body.csrf }
    await ask(undefined, 'POST', '/session', credentials)
    await ask(undefined, 'GET', '/session', undefined, inBrowser)
    const own = await ask<{ id: string; current: boolean }[]>(undefined, 'GET', '/me/sessions', undefined, inBrowser)
    await ask(undefined, 'DELETE', `/me/sessions/${own.body.find(({ current }) => !current)?.id}`, undefined, inBrowser)
    await ask(undefined, 'DELETE', '/me/sessions', undefined, inBrowser)
    await ask(undefined, 'DELETE', '/session', undefined, inBrowser)
    await does(200, 'GET', '/system')
    await does(200, 'GET', '/me')
    for (const path of [
      '/audit',
      '/settings',
      '/certificates',
      '/health',
      '/identity',
      '/roles',
      '/groups',
      '/blob-stores',
      '/gc',
    ])
      await does(200, 'GET', path)

    await does(201, 'POST', '/users', { name: 'ada', password })
    await does(200, 'GET', '/users')
    await does(200, 'PATCH', '/users/ada', { admin: true })
    const ada = { name: 'ada', password }
    await ask(ada, 'POST', '/me/password', { current: password, password: `${password}!` })
    await does(204, 'DELETE', '/users/ada')

    const upstream = await startRudeUpstream((socket) => respond(socket, 200, {}, '{}'))
    const proxy = { type: 'proxy', upstream: { url: upstream.url, password: 'x', username: 'y' } }
    await does(201, 'PUT', '/repositories/mirror', proxy)
    await does(200, 'POST', '/repositories/mirror/check')
    await does(200, 'POST', '/upstreams/check', { url: upstream.url })
    await upstream.close()
    await does(200, 'GET', '/upstreams')
    await does(201, 'PUT', '/repositories/made', {
      description: 'x',
      quota: { bytes: '1GB', tags: 5 },
      mutableTags: ['latest'],
      writePolicy: 'allow-once',
    })
    await does(201, 'PUT', '/repositories/all', {
      type: 'group',
      members: [{ repository: 'made', images: ['a/**'] }, 'mirror'],
    })
    await does(200, 'GET', '/repositories')
    await does(200, 'GET', '/repositories/all')
    await does(200, 'PATCH', '/repositories/made', { description: null })
    await does(200, 'POST', '/repositories/made/offline')
    await does(200, 'POST', '/repositories/made/online')
    await does(200, 'GET', '/repositories/made/usage')
    const move = await does<{ id: number }>(202, 'POST', '/repositories/made/move', { blobStore: 'fast' })
    expect(await api.ended(api.admin(), move.id)).toMatchObject({ state: 'done' })
    await does(202, 'PATCH', '/repositories/made', { blobStore: 'default' })
    await ask(api.admin(), 'PATCH', '/repositories/made', {}, { 'if-match': '"other"' })
    await does(204, 'DELETE', '/repositories/all')

    const grant = await does<{ id: number }>(201, 'POST', '/grants', {
      subject: { kind: 'group', name: 'ops' },
      role: 'reader',
      repository: '*',
    })
    await does(200, 'GET', '/grants')
    await does(204, 'DELETE', `/grants/${grant.id}`)
    const limits = [{ repository: 'private', actions: ['pull'] }]
    const token = await does<{ id: number }>(201, 'POST', '/tokens', { name: 'mine', limits })
    await does(200, 'GET', '/tokens')
    await does(204, 'DELETE', `/tokens/${token.id}`)
    const robot = await does<{ name: string }>(201, 'POST', '/robots', { name: 'ci', token: { name: 'first', limits } })
    await does(200, 'GET', '/robots')
    await does(201, 'POST', `/robots/${robot.name}/tokens`, { name: 'second', limits })
    await does(200, 'GET', `/robots/${robot.name}/tokens`)
    await does(200, 'PATCH', `/robots/${robot.name}`, { disabled: true })
    await does(204, 'DELETE', `/robots/${robot.name}`)

    await does(202, 'POST', '/gc')
    await does(200, 'GET', '/jobs')
    await does(200, 'GET', `/jobs/${move.id}`)
    await does(200, 'GET', `/jobs/${move.id}/events`)
    // A job of a kind that nobody here knows waits for ever.
    const row = {
      kind: 'unknown',
      object: '',
      state: 'waiting',
      parameters: '{}',
      log: '[]',
      actor_kind: 'system',
      actor: '',
      created_at: 1,
      attempts: 0,
      lease_until: 0,
      cancel_asked: 0,
    } as const
    const { id } = await registry
      .app()
      .db.queries.insertInto('jobs')
      .values(row)
      .returning('id')
      .executeTakeFirstOrThrow()
    await does(202, 'POST', `/jobs/${id}/cancel`)
    await does(202, 'POST', `/jobs/${id}/retry`)
    await does(400, 'POST', '/ldap/test', { user: 'ada', password: 'x' })
    await does(200, 'POST', '/oidc/test')

    const authorization = `Basic ${btoa(`admin:${credentials.password}`)}`
    const pushed = await pushImage(authorization)
    const app = '/repositories/private/images/app'
    await does(200, 'GET', '/repositories/private/images')
    await does(200, 'GET', '/search?q=app')
    await does(200, 'GET', `${app}/tags`)
    await does(200, 'GET', `${app}/tags/one/history`)
    await does(200, 'GET', `${app}/manifests/one`)
    await does(204, 'PUT', `${app}/tags/two`, { digest: pushed })
    await does(204, 'DELETE', `${app}/tags/two`)
    await does(204, 'DELETE', `${app}/manifests/${pushed}`)

    const never = operations.map(nameOf).filter((name) => !succeeded.has(name) && !needsProvider.includes(name))
    expect(never).toEqual([])
  })

  async function pushImage(authorization: string): Promise<string> {
    const headers = { authorization }
    const digestOf = (text: string) => `sha256:${new Bun.CryptoHasher('sha256').update(text).digest('hex')}`
    const config = JSON.stringify({ architecture: 'amd64', os: 'linux', config: {} })
    await registry.expect(201, 'POST', `/v2/app/blobs/uploads/?digest=${digestOf(config)}`, { headers, body: config })
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
      layers: [],
    })
    await registry.expect(201, 'PUT', '/v2/app/manifests/one', {
      headers: { ...headers, 'content-type': mediaType },
      body: manifest,
    })
    return digestOf(manifest)
  }
})
