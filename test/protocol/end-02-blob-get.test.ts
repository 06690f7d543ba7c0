import { beforeAll, expect, test } from 'bun:test'
import { describeRegistry, digestOf } from '../helpers/registry.ts'
import { patternOf } from '../helpers/streams.ts'

const bytes = patternOf(2048)
const digest = digestOf(bytes)
const path = `/v2/team/app/blobs/${digest}`

// A store of files and one without answer on different ways.
for (const [store, storage] of [
  ['in files', {}],
  ['in memory', { storage: { inmemory: {}, delete: { enabled: true } } }],
] as const) {
  const settings = store === 'in files' ? { storage: { delete: { enabled: true } } } : storage
  describeRegistry(`end-02: getting a blob ${store}`, settings, (registry) => {
    beforeAll(async () => {
      await registry.blob('team/app', bytes)
    })
    const get = (headers: Record<string, string>) => registry.request('GET', path, { headers })

    test('GET answers the bytes, their length, their digest and nothing about their kind', async () => {
      const answer = await registry.expect(200, 'GET', path)
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': 'application/octet-stream',
        'content-length': '2048',
        'docker-content-digest': digest,
        'accept-ranges': 'bytes',
        'cache-control': 'max-age=31536000',
        etag: `"${digest}"`,
      })
      expect(answer.headers.has('content-encoding')).toBe(false)
      expect(await answer.bytes()).toEqual(new Uint8Array(bytes))
    })

    test('HEAD answers the same head without the bytes', async () => {
      const answer = await registry.expect(200, 'HEAD', path, { headers: { range: 'bytes=0-1' } })
      expect(answer.headers.get('content-length')).toBe('2048')
      expect(answer.headers.get('docker-content-digest')).toBe(digest)
    })

    test('a digest whose colon is encoded is the same digest', async () => {
      await registry.expect(200, 'GET', path.replace('sha256:', 'sha256%3A'))
      await registry.expect(200, 'GET', path.replace('sha256:', 'sha256%3a'))
      await registry.refused(400, 'DIGEST_INVALID', 'GET', path.replace('sha256:', 'sha256%253A'))
    })

    test('encodings that the client could read are not applied', async () => {
      const answer = await get({ 'accept-encoding': 'zstd;q=1.0, gzip;q=0.8' })
      expect(answer.headers.has('content-encoding')).toBe(false)
      expect(answer.headers.get('content-length')).toBe('2048')
    })

    const ranges: [string, number, number][] = [
      ['bytes=500-1499', 500, 1499],
      ['bytes=500-', 500, 2047],
      ['bytes=-500', 1548, 2047],
      ['bytes=2000-5000', 2000, 2047],
      ['bytes=0-0', 0, 0],
      ['bytes=-5000', 0, 2047],
      ['bytes=0-2047', 0, 2047],
    ]
    for (const [range, first, last] of ranges) {
      test(`${range} answers bytes ${first} to ${last}`, async () => {
        const answer = await get({ range })
        expect(answer.status).toBe(206)
        expect(answer.headers.get('content-range')).toBe(`bytes ${first}-${last}/2048`)
        expect(answer.headers.get('content-length')).toBe(String(last - first + 1))
        expect(answer.headers.get('docker-content-digest')).toBe(digest)
        expect(await answer.bytes()).toEqual(bytes.slice(first, last + 1))
      })
    }

    for (const range of ['bytes=500-0', 'bytes=5000-10000', 'bytes=2048-', 'bytes=-0']) {
      test(`${range} cannot be satisfied`, async () => {
        const answer = await get({ range })
        expect(answer.status).toBe(416)
        expect(answer.headers.get('content-range')).toBe('bytes */2048')
      })
    }

    for (const range of ['items=0-1', 'bytes=a-b', 'bytes', 'bytes=', '0-1', 'bytes=1-2-3']) {
      test(`"${range}" is no range: the whole blob is answered`, async () => {
        const answer = await get({ range })
        expect(answer.status).toBe(200)
        expect((await answer.bytes()).length).toBe(2048)
      })
    }

    test('several ranges are answered as parts, in the order and number asked for', async () => {
      const answer = await get({ range: 'bytes=10-19,0-4,15-16', 'accept-encoding': 'identity' })
      expect(answer.status).toBe(206)
      const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(answer.headers.get('content-type') ?? '')?.[1]
      const body = Buffer.from(await answer.bytes()).toString('latin1')
      const parts = body.split(`--${boundary}`).slice(1, -1)
      const expected = [
        [10, 19],
        [0, 4],
        [15, 16],
      ] as const
      expect(parts).toEqual(
        expected.map(([first, last]) => {
          const piece = Buffer.from(bytes.slice(first, last + 1)).toString('latin1')
          return `\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${first}-${last}/2048\r\n\r\n${piece}\r\n`
        }),
      )
    })

    test('of several ranges those that cannot be satisfied are left out', async () => {
      const answer = await get({ range: 'bytes=9000-9001,0-4' })
      expect(answer.status).toBe(206)
      expect(answer.headers.get('content-range')).toBe('bytes 0-4/2048')
    })

    test('If-Range lets the range count only for the very same content', async () => {
      expect((await get({ range: 'bytes=0-4', 'if-range': `"${digest}"` })).status).toBe(206)
      expect((await get({ range: 'bytes=0-4', 'if-range': `"${digestOf('other')}"` })).status).toBe(200)
    })

    for (const [form, tag] of [
      ['quoted', `"${digest}"`],
      ['bare', digest],
      ['weak', `W/"${digest}"`],
      ['in a list', `"x", "${digest}"`],
      ['as a star', '*'],
    ] as const) {
      test(`If-None-Match with the digest ${form} answers 304 without a body`, async () => {
        for (const method of ['GET', 'HEAD']) {
          const answer = await registry.request(method, path, { headers: { 'if-none-match': tag } })
          expect(answer.status).toBe(304)
          expect(answer.headers.get('etag')).toBe(`"${digest}"`)
          expect(answer.body).toBeNull()
        }
      })
    }

    test('If-None-Match with another digest answers the blob', async () => {
      expect((await get({ 'if-none-match': `"${digestOf('other')}"` })).status).toBe(200)
    })

    test('an empty blob has zero bytes, and no range of it can be satisfied', async () => {
      const empty = await registry.blob('team/app', '')
      const answer = await registry.expect(200, 'GET', `/v2/team/app/blobs/${empty}`)
      expect(answer.headers.get('content-length')).toBe('0')
      expect(await answer.text()).toBe('')
      await registry.expect(416, 'GET', `/v2/team/app/blobs/${empty}`, { headers: { range: 'bytes=0-' } })
    })

    test('a sha512 blob is answered under its sha512 digest, and only under that', async () => {
      const sha512 = await registry.blob('team/app', 'by sha512', 'sha512')
      for (const method of ['GET', 'HEAD']) {
        const answer = await registry.expect(200, method, `/v2/team/app/blobs/${sha512}`)
        expect(answer.headers.get('docker-content-digest')).toBe(sha512)
      }
      await registry.expect(404, 'HEAD', `/v2/team/app/blobs/${digestOf('by sha512')}`)
    })

    test('a blob larger than what is put together in memory arrives whole', async () => {
      const large = patternOf(3 * 1024 * 1024)
      const target = `/v2/team/app/blobs/${await registry.blob('team/app', large)}`
      const answer = await registry.expect(200, 'GET', target)
      expect(digestOf(await answer.bytes())).toBe(digestOf(large))
      const part = await registry.expect(206, 'GET', target, { headers: { range: 'bytes=100-2200099' } })
      expect(digestOf(await part.bytes())).toBe(digestOf(large.slice(100, 2_200_100)))
    })
  })
}

describeRegistry('end-02: blobs that are not there', {}, (registry) => {
  const missing = `/v2/team/app/blobs/${digestOf('missing')}`

  test('a blob of another image is unknown here, though its bytes are stored', async () => {
    const known = await registry.blob('team/other', 'of other')
    await registry.refused(404, 'BLOB_UNKNOWN', 'GET', `/v2/team/app/blobs/${known}`)
  })

  test('a missing blob is unknown; HEAD says so without a body', async () => {
    await registry.refused(404, 'BLOB_UNKNOWN', 'GET', missing)
    await registry.expect(404, 'HEAD', missing)
  })

  test('a manifest is no blob, for GET and HEAD alike', async () => {
    const { digest } = await registry.image('team/app', { tag: 'x' })
    await registry.expect(404, 'HEAD', `/v2/team/app/blobs/${digest}`)
    await registry.refused(404, 'BLOB_UNKNOWN', 'GET', `/v2/team/app/blobs/${digest}`)
  })

  for (const digest of [
    'sha256:abc',
    `sha256:${'A'.repeat(64)}`,
    `sha256:${'a'.repeat(65)}`,
    `sha512:${'a'.repeat(64)}`,
    `md5:${'a'.repeat(32)}`,
    `blake3:${'a'.repeat(64)}`,
    'latest',
    'a'.repeat(64),
    'constructor:a',
  ]) {
    test(`${digest.slice(0, 30)} is no digest`, async () => {
      await registry.refused(400, 'DIGEST_INVALID', 'GET', `/v2/team/app/blobs/${digest}`)
    })
  }
})
