import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../../test/helpers/certificates.ts'
import { fakeIncoming } from '../../test/helpers/fake-incoming.ts'
import { rawGet } from '../../test/helpers/raw-http.ts'
import type { ByteRange } from '../storage/driver.ts'
import { silentLog } from '../telemetry/log.ts'
import { objectResponse, type SendableObject } from './file-body.ts'
import type { Incoming } from './incoming.ts'
import { type Listener, openListener } from './listener.ts'

const folder = temporaryFolder()
const bytes = new Uint8Array(3 * 1024 * 1024).map((_, index) => (index * 31 + (index >> 8)) % 251)
const path = join(folder.path, 'object')
const emptyPath = join(folder.path, 'empty')
writeFileSync(path, bytes)
writeFileSync(emptyPath, '')

async function* inChunks({ first, last }: ByteRange = { first: 0, last: bytes.length - 1 }) {
  const shared = new Uint8Array(70_000)
  for (let offset = first; offset <= last; offset += shared.length) {
    const chunk = bytes.subarray(offset, Math.min(offset + shared.length, last + 1))
    shared.set(chunk)
    yield new Uint8Array()
    yield shared.subarray(0, chunk.length)
  }
}

const objects: Record<string, SendableObject> = {
  file: { size: bytes.length, localFile: path, read: async () => inChunks() },
  stream: { size: bytes.length, read: async (range) => inChunks(range) },
  emptyfile: { size: 0, localFile: emptyPath, read: async () => inChunks({ first: 0, last: -1 }) },
  emptystream: { size: 0, read: async () => inChunks({ first: 0, last: -1 }) },
  short: { size: bytes.length + 5, read: async () => inChunks() },
  gone: { size: 10, localFile: join(folder.path, 'gone'), read: async () => inChunks() },
}

async function handle(incoming: Incoming): Promise<Response> {
  const object = objects[incoming.path.slice(1)]
  if (!object) return new Response(null, { status: 404 })
  return objectResponse(incoming, object, new Headers({ etag: '"v1"' }))
}

interface Answer {
  status: number
  headers: Record<string, string>
  body: Buffer
}
type Ask = (path: string, headers?: Record<string, string>, method?: string) => Promise<Answer>

let listener: Listener
beforeAll(async () => {
  listener = await openListener({ addr: '127.0.0.1:0', handler: handle, trust: [], log: silentLog })
})
afterAll(async () => {
  await listener.stop(1000)
  folder.remove()
})

const withoutSocket: Ask = async (path, headers, method = 'GET') => {
  const response = await handle(fakeIncoming(method, path, headers))
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: Buffer.from(await response.arrayBuffer()),
  }
}
const overSocket: Ask = async (path, headers, method) => {
  const answer = await rawGet(listener.port, path, headers, method)
  return { ...answer, body: answer.headers['transfer-encoding'] === 'chunked' ? unchunk(answer.body) : answer.body }
}

function unchunk(body: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let offset = 0; ; ) {
    const end = body.indexOf('\r\n', offset)
    const length = Number.parseInt(body.toString('latin1', offset, end), 16)
    if (!(length > 0)) return Buffer.concat(parts)
    parts.push(body.subarray(end + 2, end + 2 + length))
    offset = end + 2 + length + 2
  }
}

/** The parts of a multipart/byteranges body: `[content-range, bytes]`. */
function partsOf({ headers, body }: Answer): [string, Buffer][] {
  const boundary = /boundary=(\S+)/.exec(headers['content-type'] ?? '')?.[1]
  const parts: [string, Buffer][] = []
  let offset = 0
  for (;;) {
    const line = `--${boundary}`
    expect(body.toString('latin1', offset, offset + line.length)).toBe(line)
    offset += line.length
    if (body.toString('latin1', offset, offset + 4) === '--\r\n') break
    const end = body.indexOf('\r\n\r\n', offset)
    const head = body.toString('latin1', offset, end)
    expect(head).toContain('Content-Type: application/octet-stream')
    const range = /Content-Range: (bytes (\d+)-(\d+)\/\d+)/.exec(head)
    const length = Number(range?.[3]) - Number(range?.[2]) + 1
    parts.push([range?.[1] ?? '', body.subarray(end + 4, end + 4 + length)])
    offset = end + 4 + length
    expect(body.toString('latin1', offset, offset + 2)).toBe('\r\n')
    offset += 2
  }
  expect(offset + body.subarray(offset).length).toBe(body.length)
  return parts
}

for (const [how, ask] of [
  ['without a socket', withoutSocket],
  ['over a listener', overSocket],
] as [string, Ask][]) {
  for (const kind of ['file', 'stream'])
    describe(`an object from a ${kind}, ${how}`, () => {
      const size = bytes.length

      test('is sent whole', async () => {
        const { status, headers, body } = await ask(`/${kind}`)
        expect(status).toBe(200)
        expect(body.equals(bytes)).toBe(true)
        expect(headers['accept-ranges']).toBe('bytes')
        expect(headers['content-disposition']).toBe('attachment')
        expect(headers['content-range']).toBeUndefined()
        if (kind === 'file') expect(headers['content-length']).toBe(String(size))
      })

      test('answers HEAD with its length, whatever range is asked for', async () => {
        const { status, headers, body } = await ask(`/${kind}`, { Range: 'bytes=1-2' }, 'HEAD')
        expect([status, headers['content-length'], body.length]).toEqual([200, String(size), 0])
      })

      for (const [range, first, last] of [
        ['bytes=2-5', 2, 5],
        ['bytes=100000-199999', 100_000, 199_999],
        ['bytes=-3', size - 3, size - 1],
        ['bytes=0-', 0, size - 1],
      ] as const)
        test(`sends ${range} once and with its place`, async () => {
          const { status, headers, body } = await ask(`/${kind}`, { Range: range })
          expect([status, headers['content-range']]).toEqual([206, `bytes ${first}-${last}/${size}`])
          expect(body.equals(bytes.subarray(first, last + 1))).toBe(true)
          if (kind === 'file' || body.length <= 1024 * 1024) expect(headers['content-length']).toBe(String(body.length))
        })

      for (const range of ['bytes=500-0', `bytes=${size}-`, 'bytes=-0', `bytes=${size}-,${size + 5}-`])
        test(`refuses ${range}`, async () => {
          const { status, headers, body } = await ask(`/${kind}`, { Range: range })
          expect([status, headers['content-range'], body.length]).toEqual([416, `bytes */${size}`, 0])
        })

      for (const headers of [
        { Range: 'bytes=abc' },
        { Range: 'items=0-1' },
        { Range: 'bytes=1-2,' },
        { Range: 'bytes=0-1', 'If-Range': '"v0"' },
        { Range: 'bytes=0-1', 'If-Range': 'W/"v1"' },
      ])
        test(`is sent whole for ${JSON.stringify(headers)}`, async () => {
          const answer = await ask(`/${kind}`, headers)
          expect([answer.status, answer.headers['content-range'], answer.body.length]).toEqual([200, undefined, size])
        })

      test('sends the range when If-Range names the version it has', async () => {
        expect((await ask(`/${kind}`, { Range: 'bytes=0-1', 'If-Range': '"v1"' })).status).toBe(206)
      })

      test('sends several ranges in the order asked for, neither merged nor sorted, with their exact length', async () => {
        const answer = await ask(`/${kind}`, { Range: 'bytes=10-19,0-4,5-9,-2' })
        expect(answer.status).toBe(206)
        expect(answer.headers['content-length']).toBe(String(answer.body.length))
        expect(partsOf(answer).map(([range, body]) => [range, body.equals(partBytes(range))])).toEqual(
          ['10-19', '0-4', '5-9', `${size - 2}-${size - 1}`].map((place) => [`bytes ${place}/${size}`, true]),
        )
      })

      test('sends ranges that are together too long for memory', async () => {
        const answer = await ask(`/${kind}`, { Range: 'bytes=0-999999,1000000-1999999' })
        expect(answer.status).toBe(206)
        expect(partsOf(answer).map(([range, body]) => body.equals(partBytes(range)))).toEqual([true, true])
      })

      test('sends six hundred ranges', async () => {
        const specs = Array.from({ length: 600 }, (_, index) => `${index * 5000}-${index * 5000 + 99}`)
        const answer = await ask(`/${kind}`, { Range: `bytes=${specs.join(',')}` })
        const parts = partsOf(answer)
        expect(parts).toHaveLength(600)
        expect(parts.every(([range, body]) => body.equals(partBytes(range)))).toBe(true)
      })
    })

  for (const kind of ['emptyfile', 'emptystream'])
    test(`an ${kind} has length 0 and no ranges, ${how}`, async () => {
      const whole = await ask(`/${kind}`)
      expect([whole.status, whole.headers['content-length'], whole.body.length]).toEqual([200, '0', 0])
      const part = await ask(`/${kind}`, { Range: 'bytes=0-' })
      expect([part.status, part.headers['content-range']]).toEqual([416, 'bytes */0'])
    })
}

function partBytes(range: string): Uint8Array {
  const [, first, last] = /(\d+)-(\d+)/.exec(range) ?? []
  return bytes.subarray(Number(first), Number(last) + 1)
}

test('an object that ends early is broken off, never ended well', async () => {
  const answer = await rawGet(listener.port, '/short')
  expect(answer.text.endsWith('0\r\n\r\n')).toBe(false)
  await expect(withoutSocket('/short')).rejects.toThrow('ended after')
})

test('a file that vanished is answered with 404', async () => {
  expect((await rawGet(listener.port, '/gone')).status).toBe(404)
})
