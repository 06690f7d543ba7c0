import { afterEach, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { noise } from '../../test/helpers/noise.ts'
import {
  type RudeAnswer,
  type RudeRequest,
  type RudeUpstream,
  rangeStart,
  respond,
  startRudeUpstream,
  writeAll,
} from '../../test/helpers/rude-upstream.ts'
import { upstreamAt } from '../../test/helpers/upstream.ts'
import { createHasher, type Digest, digestOf } from '../content/digest.ts'
import type { AppError } from '../errors.ts'

const size = 3_000_000
const content = noise('download', size)
const digest = content.digest as Digest
const whole = content.bytes()

const running: RudeUpstream[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.close()
})
async function rude(answer: RudeAnswer, address?: string): Promise<RudeUpstream> {
  const server = await startRudeUpstream(answer, address ? { address } : {})
  running.push(server)
  return server
}

/** Head of an answer for the blob from the requested byte on, as a well-behaved server sends it. */
function head(socket: Socket, request: RudeRequest, headers: Record<string, string> = {}): number {
  const start = rangeStart(request)
  const range = start > 0 ? { 'content-range': `bytes ${start}-${size - 1}/${size}` } : {}
  respond(socket, start > 0 ? 206 : 200, { 'content-length': String(size - start), ...range, ...headers })
  return start
}

async function pull(server: { url: string }, settings = {}) {
  const blob = await upstreamAt(server.url, settings).blob('app', digest)
  if (!blob) throw new Error('absent')
  const hash = createHash('sha256')
  let got = 0
  let error: AppError | undefined
  try {
    for await (const chunk of blob.bytes) {
      hash.update(chunk)
      got += chunk.length
    }
  } catch (caught) {
    error = caught as AppError
  }
  return { size: blob.size, got, digest: `sha256:${hash.digest('hex')}`, error }
}
const complete = { got: size, digest, error: undefined }
const starts = (server: RudeUpstream) => server.requests.map(rangeStart)

describe('a download', () => {
  test('that just works asks once', async () => {
    const server = await rude((socket, request) => void writeAll(socket, [whole.subarray(head(socket, request))]))
    expect(await pull(server)).toEqual({ size, ...complete })
    expect(server.requests).toHaveLength(1)
    expect(server.requests[0]!.headers['accept-encoding']).toBe('identity')
  })

  test('that dies again and again is taken up where it broke', async () => {
    const server = await rude(async (socket, request) => {
      const start = head(socket, request)
      await writeAll(socket, [whole.subarray(start, start + 700_000)])
      setTimeout(() => socket.destroy(), 20)
    })
    expect(await pull(server)).toMatchObject(complete)
    const places = starts(server)
    expect(places.length).toBeGreaterThan(3)
    expect(places).toEqual([...places].sort((a, b) => a - b))
  })

  test('that stalls is taken up, too', async () => {
    const server = await rude(async (socket, request) => {
      const start = head(socket, request)
      await writeAll(socket, [whole.subarray(start, request.count === 1 ? 1_000_000 : size)])
    })
    expect(await pull(server, { timing: { idleMs: 60 } })).toMatchObject(complete)
    expect(server.requests).toHaveLength(2)
    expect(starts(server)[1]).toBeGreaterThan(0)
  })

  test('from an upstream that knows no ranges skips what was there already', async () => {
    const server = await rude(async (socket, { count }) => {
      respond(socket, 200, { 'content-length': String(size) })
      await writeAll(socket, [whole.subarray(0, count === 1 ? 1_234_567 : size)])
      if (count === 1) setTimeout(() => socket.destroy(), 20)
    })
    expect(await pull(server)).toMatchObject(complete)
    expect(server.requests).toHaveLength(2)
  })

  test('survives an upstream that is briefly gone when it is taken up', async () => {
    const server = await rude(async (socket, request) => {
      if ([2, 3].includes(request.count)) return respond(socket, 503)
      const start = head(socket, request)
      await writeAll(socket, [whole.subarray(start, request.count === 1 ? 900_000 : size)])
      if (request.count === 1) setTimeout(() => socket.destroy(), 20)
    })
    expect(await pull(server, { timing: { attempts: 1 } })).toMatchObject(complete)
  })

  test('without a length, chunked, is whole and verified', async () => {
    const server = await rude(async (socket) => {
      respond(socket, 200, { 'content-length': '', 'transfer-encoding': 'chunked' })
      await writeAll(
        socket,
        [`${size.toString(16)}\r\n`, whole, '\r\n0\r\n\r\n'].map((part) => Buffer.from(part as string)),
      )
    })
    expect(await pull(server)).toEqual({ size: undefined, ...complete })
  })

  test('without a length that ends too early is not taken for the whole', async () => {
    const server = await rude(async (socket) => {
      respond(socket, 200, { 'content-length': '', connection: 'close' })
      await writeAll(socket, [whole.subarray(0, 1_000_000)])
      socket.end()
    })
    const { got, error } = await pull(server)
    expect(error).toMatchObject({ code: 'upstream-failed' })
    expect(got).toBeLessThan(1_000_000)
  })

  test('with a length that is too short is not taken for the whole', async () => {
    const server = await rude((socket) => {
      respond(socket, 200, { 'content-length': '1000000' })
      socket.write(whole.subarray(0, 1_000_000))
    })
    const { got, error } = await pull(server)
    expect(error).toMatchObject({ code: 'upstream-failed' })
    expect(got).toBeLessThan(1_000_000)
  })

  test('of wrong bytes fails before the last of them', async () => {
    const wrong = Buffer.from(whole)
    wrong[2_000_000]! ^= 1
    const server = await rude((socket, request) => void writeAll(socket, [wrong.subarray(head(socket, request))]))
    const { got, error } = await pull(server)
    expect(error).toMatchObject({ code: 'upstream-failed', detail: { digest } })
    expect(got).toBeLessThan(size)
  })

  test('of what became another blob in the meantime fails', async () => {
    const changes: Record<string, string>[] = [
      { etag: '"two"' },
      { 'content-range': `bytes 0-${size + 8}/${size + 9}` },
    ]
    for (const change of changes) {
      const server = await rude(async (socket, request) => {
        const start = head(socket, request, request.count === 1 ? { etag: '"one"' } : change)
        await writeAll(socket, [whole.subarray(start, request.count === 1 ? 1_000_000 : size)])
        if (request.count === 1) setTimeout(() => socket.destroy(), 20)
      })
      expect((await pull(server)).error).toMatchObject({ code: 'upstream-failed', detail: { another: true } })
      expect(server.requests).toHaveLength(2)
    }
  })

  test('is given up after some tries without progress, and counts as one failure', async () => {
    const server = await rude(async (socket, request) => {
      const start = head(socket, request)
      if (start === 0) await writeAll(socket, [whole.subarray(0, 500_000)])
      setTimeout(() => socket.destroy(), 20)
    })
    const far = upstreamAt(server.url, { timing: { attempts: 1 } })
    const blob = await far.blob('app', digest)
    const read = async () => {
      for await (const _ of blob!.bytes);
    }
    await expect(read()).rejects.toMatchObject({ code: 'upstream-failed' })
    expect(far.state().health).toMatchObject({ state: 'failing', failures: 1 })
  })

  test('may begin in the middle, verified with a hash of what is there', async () => {
    const server = await rude((socket, request) => void writeAll(socket, [whole.subarray(head(socket, request))]))
    const hasher = createHasher('sha256')
    hasher.hash.update(whole.subarray(0, 1_000_001))
    const blob = await upstreamAt(server.url).blob('app', digest, { from: 1_000_001, hasher })
    expect(blob).toMatchObject({ size, start: 1_000_001 })
    const parts: Uint8Array[] = []
    for await (const chunk of blob!.bytes) parts.push(chunk)
    expect(Buffer.concat(parts).equals(whole.subarray(1_000_001))).toBe(true)
  })

  test('may begin in the middle of an upstream that knows no ranges', async () => {
    const server = await rude((socket) => respond(socket, 200, {}, whole))
    const blob = await upstreamAt(server.url).blob('app', digest, { from: 2_999_000 })
    const parts: Uint8Array[] = []
    for await (const chunk of blob!.bytes) parts.push(chunk)
    expect(digestOf(Buffer.concat(parts))).toBe(digestOf(whole.subarray(2_999_000)))
  })

  test('that has all bytes already gets none', async () => {
    const server = await rude((socket) => respond(socket, 416, { 'content-range': `bytes */${size}` }))
    const blob = await upstreamAt(server.url).blob('app', digest, { from: size })
    expect(blob).toMatchObject({ size, start: size })
    for await (const _ of blob!.bytes) expect.unreachable()
  })

  test('comes from where a redirect leads to, asking the upstream again each time it is taken up', async () => {
    const store = await rude(async (socket, request) => {
      const start = head(socket, request)
      await writeAll(socket, [whole.subarray(start, request.count === 1 ? 1_000_000 : size)])
      if (request.count === 1) setTimeout(() => socket.destroy(), 20)
    }, '127.0.0.2')
    const server = await rude((socket, { count }) => respond(socket, 307, { location: `${store.url}/signed/${count}` }))
    expect(await pull(server)).toMatchObject(complete)
    expect(store.requests.map(({ path }) => path)).toEqual(['/signed/1', '/signed/2'])
  })

  test('that is cancelled or not read to its end closes the connection', async () => {
    let closed = 0
    const server = await rude((socket, request) => {
      socket.once('close', () => closed++)
      head(socket, request)
      socket.write(whole.subarray(0, 100_000))
    })
    const far = upstreamAt(server.url)
    const unread = await far.blob('app', digest)
    unread!.cancel()
    const half = await far.blob('app', digest)
    for await (const _ of half!.bytes) break
    while (closed < 2) await Bun.sleep(5)
    expect(far.state().health.failures).toBe(0)
  })

  test('stops with the reason of the caller', async () => {
    const server = await rude((socket, request) => {
      head(socket, request)
      socket.write(whole.subarray(0, 100_000))
    })
    const stop = new AbortController()
    const reason = new Error('the client left')
    const blob = await upstreamAt(server.url).blob('app', digest, { signal: stop.signal })
    const read = async () => {
      for await (const _ of blob!.bytes) stop.abort(reason)
    }
    await expect(read()).rejects.toBe(reason)
    expect(server.requests).toHaveLength(1)
  })

  test('runs beside 49 others, each whole', async () => {
    const server = await rude((socket, request) => void writeAll(socket, [whole.subarray(head(socket, request))]))
    const far = upstreamAt(server.url, { timing: { idleMs: 5_000, responseMs: 8_000 } })
    const pulls = Array.from({ length: 50 }, async () => {
      const hash = createHash('sha256')
      for await (const chunk of (await far.blob('app', digest))!.bytes) hash.update(chunk)
      return `sha256:${hash.digest('hex')}`
    })
    expect(new Set(await Promise.all(pulls))).toEqual(new Set([digest]))
  })
})

test('a slow reader holds the sender back', async () => {
  const large = noise('large', 200 << 20)
  let sent = 0
  async function* counted() {
    for await (const chunk of large.stream()) {
      yield chunk
      sent += chunk.length
    }
  }
  const server = await rude(async (socket) => {
    respond(socket, 200, { 'content-length': String(large.size) })
    await writeAll(socket, counted())
  })
  const blob = await upstreamAt(server.url).blob('app', large.digest as Digest)
  let got = 0
  let ahead = 0
  for await (const chunk of blob!.bytes) {
    got += chunk.length
    // Now and then long enough for the sender to fill every buffer there is.
    if (got % 64 < chunk.length && got < 20 << 20) await Bun.sleep(10)
    ahead = Math.max(ahead, sent - got)
  }
  expect(got).toBe(large.size)
  expect(ahead).toBeLessThan(32 << 20)
})
