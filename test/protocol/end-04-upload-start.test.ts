import { describe, expect, test } from 'bun:test'
import { brokenOffAfter } from '../helpers/fake-incoming.ts'
import { describeRegistry, digestOf } from '../helpers/registry.ts'
import { patternOf, streamOf } from '../helpers/streams.ts'

describeRegistry('end-04: starting an upload', {}, (registry) => {
  const uploads = '/v2/team/app/blobs/uploads/'

  describe('4a: a session', () => {
    for (const [what, path, headers] of [
      ['with a slash at the end', uploads, {}],
      ['without', uploads.slice(0, -1), {}],
      ['announcing JSON and sending nothing', uploads, { 'content-type': 'application/json' }],
      ['with parameters nobody knows', `${uploads}?origin=docker.io&ns=docker.io`, {}],
    ] as const) {
      test(`POST ${what} says where to send the bytes`, async () => {
        const answer = await registry.expect(202, 'POST', path, { headers })
        const id = answer.headers.get('docker-upload-uuid')
        expect(answer.headers.get('location')).toBe(`${uploads}${id}`)
        expect(id).toMatch(/^[0-9a-f-]{36}$/)
        expect(answer.headers.get('range')).toBe('0-0')
        expect(answer.headers.get('content-length')).toBe('0')
        expect(answer.headers.has('oci-chunk-min-length')).toBe(false)
      })
    }

    test('each session is one of its own', async () => {
      expect(await registry.upload('team/app')).not.toBe(await registry.upload('team/app'))
    })

    test('a session alone makes no image', async () => {
      await registry.upload('team/started')
      await registry.refused(404, 'NAME_UNKNOWN', 'GET', '/v2/team/started/tags/list')
    })

    test('behind a prefix the location has the prefix', async () => {
      const answer = await registry.request('POST', uploads, { origin: { prefix: '/registry' } })
      expect(answer.headers.get('location')).toStartWith(`/registry${uploads}`)
    })
  })

  describe('4b: the whole blob at once', () => {
    for (const algorithm of ['sha256', 'sha512']) {
      test(`POST with its ${algorithm} digest stores it`, async () => {
        const content = `monolithic ${algorithm}`
        const digest = digestOf(content, algorithm)
        const answer = await registry.expect(201, 'POST', `${uploads}?digest=${encodeURIComponent(digest)}`, {
          body: content,
        })
        expect(answer.headers.get('location')).toBe(`/v2/team/app/blobs/${digest}`)
        expect(answer.headers.get('docker-content-digest')).toBe(digest)
        const got = await registry.expect(200, 'GET', answer.headers.get('location')!)
        expect(await got.text()).toBe(content)
      })
    }

    test('it may come without a length, and in many pieces', async () => {
      await registry.expect(201, 'POST', `${uploads}?digest=${digestOf('chunked')}`, { body: streamOf('chunked') })
      const large = patternOf(1_000_000)
      await registry.expect(201, 'POST', `${uploads}?digest=${digestOf(large)}`, { body: large })
      const got = await registry.expect(200, 'GET', `/v2/team/app/blobs/${digestOf(large)}`)
      expect(digestOf(await got.bytes())).toBe(digestOf(large))
    })

    test('an empty one may come without a body', async () => {
      await registry.expect(201, 'POST', `${uploads}?digest=${digestOf('')}`)
    })

    test('the same blob twice is created twice', async () => {
      await registry.blob('team/app', 'twice')
      await registry.blob('team/app', 'twice')
    })

    test('other bytes than the digest says are refused and not stored', async () => {
      const error = await registry.refused(400, 'DIGEST_INVALID', 'POST', `${uploads}?digest=${digestOf('said')}`, {
        body: 'sent',
      })
      expect(error.detail).toMatchObject({ expected: digestOf('said'), received: digestOf('sent') })
      for (const digest of [digestOf('said'), digestOf('sent')]) {
        await registry.expect(404, 'HEAD', `/v2/team/app/blobs/${digest}`)
      }
    })

    test('a body that breaks off stores nothing', async () => {
      await registry.expect(400, 'POST', `${uploads}?digest=${digestOf('broken')}`, { body: brokenOffAfter('bro') })
      await registry.expect(404, 'HEAD', `/v2/team/app/blobs/${digestOf('broken')}`)
    })

    for (const digest of ['', 'sha256:abc', `md5:${'a'.repeat(32)}`, 'x']) {
      test(`"${digest.slice(0, 20)}" is no digest`, async () => {
        await registry.refused(400, 'DIGEST_INVALID', 'POST', `${uploads}?digest=${digest}`, { body: 'x' })
      })
    }
  })

  describe('4c: a session for another algorithm', () => {
    test('sha512 is taken as the algorithm of the upload', async () => {
      const location = await registry.upload('team/app', '?digest-algorithm=sha512')
      await registry.expect(202, 'PATCH', location, { body: 'by ' })
      const digest = digestOf('by sha512', 'sha512')
      const answer = await registry.expect(201, 'PUT', `${location}?digest=${digest}`, { body: 'sha512' })
      expect(answer.headers.get('docker-content-digest')).toBe(digest)
    })

    test('it binds nobody: the closing digest decides', async () => {
      const location = await registry.upload('team/app', '?digest-algorithm=sha512')
      await registry.expect(202, 'PATCH', location, { body: 'changed mind' })
      await registry.expect(201, 'PUT', `${location}?digest=${digestOf('changed mind')}`)
    })

    for (const algorithm of ['md5', 'blake3', 'SHA256', '', 'toString', 'constructor', '__proto__']) {
      test(`"${algorithm}" is no algorithm here`, async () => {
        await registry.refused(400, 'DIGEST_INVALID', 'POST', `${uploads}?digest-algorithm=${algorithm}`)
      })
    }
  })
})

describeRegistry(
  'end-04: with an address of its own',
  { http: { host: 'https://hub.example.com', prefix: '/r/' } },
  (registry) => {
    const origin = { scheme: 'https', host: 'hub.example.com', prefix: '/r' } as const

    test('locations name scheme, host and prefix', async () => {
      const started = await registry.request('POST', '/v2/app/blobs/uploads/', { origin })
      expect(started.headers.get('location')).toStartWith('https://hub.example.com/r/v2/app/blobs/uploads/')
      const digest = digestOf('x')
      const stored = await registry.request('POST', `/v2/app/blobs/uploads/?digest=${digest}`, { origin, body: 'x' })
      expect(stored.headers.get('location')).toBe(`https://hub.example.com/r/v2/app/blobs/${digest}`)
    })
  },
)
