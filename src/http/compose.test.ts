import { describe, expect, test } from 'bun:test'
import { fakeIncoming } from '../../test/helpers/fake-incoming.ts'
import type { AccessEntry } from '../telemetry/access-log.ts'
import { createLog, silentLog } from '../telemetry/log.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { createFront, headOf, isAncientDocker, plainAnswer } from './compose.ts'

const rooms = {
  v2: () => plainAnswer(200, 'v2'),
  api: async () => plainAnswer(201, 'api'),
  broken: () => {
    throw new Error('a secret reason')
  },
  rejecting: () => Promise.reject(new Error('a secret reason')),
}

describe('the front', () => {
  const front = createFront({ rooms, log: silentLog })
  for (const [path, status] of [
    ['/v2/', 200],
    ['/v2', 200],
    ['/v2/a/b', 200],
    ['/api/v1/x', 201],
    ['/', 404],
    ['/v22/', 404],
    ['/toString', 404],
    ['//v2/', 404],
    [`/v2/${'a'.repeat(9000)}`, 414],
  ] as const)
    test(`answers ${path.slice(0, 20)} with ${status}`, async () => {
      expect((await front(fakeIncoming('GET', `http://localhost${path}`))).status).toBe(status)
    })

  test('refuses TRACE', async () => expect((await front(fakeIncoming('TRACE', '/v2/'))).status).toBe(405))

  test('hands everything else to the room for it', async () => {
    const answer = await createFront({ rooms, otherwise: () => plainAnswer(200, 'page'), log: silentLog })(
      fakeIncoming('GET', '/x'),
    )
    expect(await answer.text()).toBe('page')
  })

  test('sends the request id and the configured headers, without touching what the answer sets', async () => {
    const own = () => new Response('x', { headers: { 'X-Robots': 'all' } })
    const headers = { 'X-Robots': ['none'], 'X-Frame-Options': ['DENY'] }
    const answer = await createFront({ rooms: { own }, headers, log: silentLog })(fakeIncoming('GET', '/own'))
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'x-request-id': 'test-1',
      'x-content-type-options': 'nosniff',
      'x-robots': 'all',
      'x-frame-options': 'DENY',
    })
  })

  for (const path of ['/broken', '/rejecting'])
    test(`answers ${path} with 500 and the request id, and logs the reason`, async () => {
      const lines: string[] = []
      const log = createLog({ stream: { write: (line) => lines.push(line) } })
      const answer = await createFront({ rooms, log })(fakeIncoming('GET', path))
      const text = await answer.text()
      expect([answer.status, text.includes('test-1'), text.includes('secret')]).toEqual([500, true, false])
      expect(lines.join('')).toContain('a secret reason')
    })

  test('counts and reports every answer with its status, length, user and route', async () => {
    const entries: AccessEntry[] = []
    const metrics = createMetrics()
    const blob = (incoming: ReturnType<typeof fakeIncoming>) => {
      Object.assign(incoming, { user: 'ann', route: 'blob' })
      return plainAnswer(200, 'twelve bytes')
    }
    const handler = createFront({
      rooms: { ...rooms, blob },
      metrics,
      onAccess: (entry) => entries.push(entry),
      log: silentLog,
    })
    await handler(fakeIncoming('GET', '/blob?x=1', { 'user-agent': 'docker/28' }))
    await handler(fakeIncoming('HEAD', '/blob'))
    await handler(fakeIncoming('GET', '/broken'))
    expect(entries).toMatchObject([
      {
        id: 'test-1',
        method: 'GET',
        target: '/blob?x=1',
        status: 200,
        bytes: 12,
        user: 'ann',
        userAgent: 'docker/28',
        clientAddress: '127.0.0.1',
      },
      { method: 'HEAD', status: 200, bytes: 0 },
      { status: 500, user: undefined },
    ])
    const text = await metrics.metricsText()
    expect(text).toContain('registry_http_requests_total{handler="blob",method="get",code="200"} 1')
    expect(text).toContain('registry_http_requests_total{handler="other",method="get",code="500"} 1')
    expect(text).toContain('registry_http_in_flight_requests 0')
  })
})

test('the head of an answer keeps its length and loses its body', async () => {
  const head = headOf(plainAnswer(200, 'four'))
  expect([head.headers.get('content-length'), head.headers.get('content-type'), await head.text()]).toEqual([
    '4',
    'text/plain; charset=utf-8',
    '',
  ])
})

describe('ancient docker', () => {
  for (const agent of [
    'docker/1.3.0 go/go1.3',
    'docker/1.4.1',
    'docker/1.5.0 go/go1.4',
    'docker/1.5',
    'Go 1.1 package http',
    'Go http package',
  ])
    test(`is ${agent}`, () => expect(isAncientDocker(agent)).toBe(true))
  for (const agent of [
    'docker/1.5.0-dev',
    'docker/1.6.0',
    'docker/1.13.1',
    'docker/28.2.2',
    'Go-http-client/1.1',
    'Go-http-client/2.0',
    'xdocker/1.3',
    '',
    null,
  ])
    test(`is not ${agent}`, () => expect(isAncientDocker(agent)).toBe(false))
})
