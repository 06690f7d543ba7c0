import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { AppError } from '../../src/errors.ts'
import { createDockerProtocol } from '../../src/formats/docker/protocol/dispatch.ts'
import { createV1 } from '../../src/formats/docker/protocol/v1.ts'
import { nobodyIsAsked } from '../../src/identity/authenticator.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { fakeIncoming } from '../helpers/fake-incoming.ts'
import { describeRegistry, digestOf } from '../helpers/registry.ts'

describeRegistry('errors on the wire', {}, (registry) => {
  test('are JSON of code, message and detail, with their length, under Docker’s header', async () => {
    const answer = await registry.expect(404, 'GET', `/v2/a/blobs/${digestOf('x')}`)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
    const text = await answer.text()
    expect(answer.headers.get('content-length')).toBe(String(text.length))
    expect(JSON.parse(text)).toEqual({
      errors: [{ code: 'BLOB_UNKNOWN', message: 'this image has no such blob', detail: { digest: digestOf('x') } }],
    })
  })

  test('on HEAD keep status and length and have no body', async () => {
    const target = `/v2/a/blobs/${digestOf('x')}`
    const length = (await registry.expect(404, 'GET', target)).headers.get('content-length')
    expect((await registry.expect(404, 'HEAD', target)).headers.get('content-length')).toBe(length)
    const wrong = await registry.expect(400, 'HEAD', '/v2/a/manifests/sha256:x')
    expect(wrong.headers.get('content-length')).toMatch(/^\d+$/)
  })

  test('do not repeat endless input', async () => {
    for (const target of [
      `/v2/${'a/'.repeat(2000)}x/tags/list`,
      `/v2/a/blobs/sha256:${'b'.repeat(5000)}`,
      `/v2/${'x'.repeat(5000)}`,
    ]) {
      const answer = await registry.request('GET', target)
      expect(answer.status).toBeLessThan(500)
      expect((await answer.text()).length).toBeLessThan(1000)
    }
  })
})

describe('trouble of ours', () => {
  const secret = 'postgres://user:secret@10.0.0.7/db'
  let lines: string[] = []
  const failing = (error: unknown) => {
    const parts = {
      repositories: {
        all: () => {
          throw error
        },
        get default(): never {
          throw error
        },
        locate: () => {
          throw error
        },
        named: () => undefined,
        looksAtAddresses: false,
        boundTo: () => {
          throw error
        },
      },
      imagesOf: () => {
        throw error
      },
      blobs: { holders: async () => [] },
      authenticator: nobodyIsAsked,
      decide: () => true,
      telling: { tell: () => {}, pulls: false },
      log: createLog({ formatter: 'json', stream: { write: (line) => lines.push(line) } }),
      maxTags: 1,
      maxCatalog: 1,
      absoluteUrls: false,
      assertReady: () => {},
    }
    return { '/v2/a/tags/list': createDockerProtocol(parts), '/v1/search': createV1(parts) }
  }
  beforeAll(() => {
    lines = []
  })
  afterAll(() => {
    lines = []
  })

  for (const path of ['/v2/a/tags/list', '/v1/search'] as const) {
    for (const [what, error, status, code] of [
      ['a bug', new TypeError(secret), 500, 'UNKNOWN'],
      ['something thrown that is no error', secret, 500, 'UNKNOWN'],
      ['an internal error', new AppError('internal', secret, { detail: secret }), 500, 'UNKNOWN'],
      ['a full disk', new AppError('storage-full', secret, { detail: secret }), 507, 'UNAVAILABLE'],
      [
        'an unreachable store',
        new AppError('unavailable', 'gone', { cause: new Error(secret), detail: secret }),
        503,
        'UNAVAILABLE',
      ],
    ] as const) {
      test(`${what} on ${path} is logged, and the client learns the request id only`, async () => {
        lines = []
        const answer = await failing(error)[path](fakeIncoming('GET', path))
        expect(answer.status).toBe(status)
        expect(answer.headers.get('content-type')).toBe('application/json')
        const text = await answer.text()
        expect(text).not.toContain('secret')
        expect(JSON.parse(text)).toEqual({ errors: [{ code, message: expect.stringContaining('test-1') }] })
        expect(lines).toHaveLength(1)
        expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'error', requestId: 'test-1' })
      })
    }

    test(`what is the client’s fault on ${path} is not logged as an error`, async () => {
      lines = []
      const answer = await failing(new AppError('denied', 'no'))[path](fakeIncoming('GET', path))
      expect(answer.status).toBe(403)
      expect(lines).toEqual([])
    })
  }
})
