import { describe, expect, test } from 'bun:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Image, makeImage } from '../helpers/oci.ts'
import { labsOfTests, type ProxyLab, type ToyUpstream } from '../helpers/proxy-lab.ts'
import { rangeStart, respond } from '../helpers/rude-upstream.ts'

const minute = 60_000
const { lab } = labsOfTests()

const first = makeImage('proxy first', { layerSize: 3_000_000 })
const second = makeImage('proxy second', {})
const layer = first.layers[0]!
const errorOf = async (answer: Response) =>
  ((await answer.json()) as { errors: { code: string; message: string }[] }).errors[0]!
const outage = (far: ToyUpstream) => {
  far.rude = (socket) => {
    socket.destroy()
    return true
  }
}

/** Reads to the end. */
async function drain(answer: Response): Promise<number> {
  const reader = answer.body!.getReader()
  let got = 0
  for (let next = await reader.read(); !next.done; next = await reader.read()) got += next.value.length
  return got
}

async function pull(proxy: ProxyLab, image: string, tag: string, { manifest, config, layers }: Image) {
  const answer = await proxy.get(`/v2/${image}/manifests/${tag}`)
  expect(answer.status).toBe(200)
  expect(Buffer.from(await answer.bytes())).toEqual(Buffer.from(manifest.bytes))
  expect(answer.headers.get('content-type')).toBe(manifest.mediaType)
  for (const blob of [config, ...layers]) {
    const got = await proxy.get(`/v2/${image}/blobs/${blob.digest}`)
    expect(got.status).toBe(200)
    expect(Buffer.from(await got.bytes())).toEqual(Buffer.from(blob.bytes))
  }
  return answer
}

describe('a proxy', () => {
  test('fetches an image once and then answers from what it kept', async () => {
    const { far, proxy } = await lab()
    far.put('team/app', first, '1')
    await pull(proxy, 'team/app', '1', first)
    const asked = far.requests.length
    await pull(proxy, 'team/app', '1', first)
    await pull(proxy, 'far/team/app', first.manifest.digest, first)
    expect(far.requests.length).toBe(asked)
    expect(far.count('GET', 'blobs')).toBe(1 + first.layers.length)
  })

  test('keeps short names as library/ where it is told to', async () => {
    const { far, proxy } = await lab({ upstream: { libraryPrefix: 'always' } })
    far.put('library/centos', first, '7')
    await pull(proxy, 'centos', '7', first)
    const asked = far.requests.length
    await pull(proxy, 'library/centos', '7', first)
    expect(far.requests.length).toBe(asked)
    expect((await proxy.get('/v2/_catalog')).json()).resolves.toEqual({ repositories: ['library/centos'] })
  })

  test('asks after the age of a tag whether it has moved, by HEAD', async () => {
    const { far, proxy } = await lab()
    far.put('app', first, '1')
    await pull(proxy, 'app', '1', first)
    proxy.pass(2 * minute)
    await pull(proxy, 'app', '1', first)
    expect(far.count('HEAD', 'manifests')).toBe(1)
    expect(far.count('GET', 'manifests')).toBe(1)
    await pull(proxy, 'app', '1', first)
    expect(far.count('HEAD', 'manifests')).toBe(1)
    far.put('app', second, '1')
    proxy.pass(2 * minute)
    await pull(proxy, 'app', '1', second)
    await pull(proxy, 'app', first.manifest.digest, first)
  })

  test('tells that a tag is gone once the upstream says so, and still has what it pointed to', async () => {
    const { far, proxy } = await lab()
    far.put('app', first, '1')
    await pull(proxy, 'app', '1', first)
    far.remove('app', '1')
    proxy.pass(2 * minute)
    const answer = await proxy.get('/v2/app/manifests/1')
    expect(answer.status).toBe(404)
    expect((await errorOf(answer)).code).toBe('MANIFEST_UNKNOWN')
    await pull(proxy, 'app', first.manifest.digest, first)
  })

  test('believes for a while that something is not there', async () => {
    const { far, proxy } = await lab()
    for (const _ of [1, 2, 3]) expect((await proxy.get('/v2/app/manifests/1')).status).toBe(404)
    expect(far.count('GET', 'manifests')).toBe(1)
    far.put('app', first, '1')
    proxy.pass(minute)
    await pull(proxy, 'app', '1', first)
  })

  test('answers from the cache with a warning while the upstream is down, and otherwise tells the cause', async () => {
    const { far, proxy } = await lab()
    far.put('app', first, '1')
    await pull(proxy, 'app', '1', first)
    outage(far)
    proxy.pass(2 * minute)
    const answer = await pull(proxy, 'app', '1', first)
    expect(answer.headers.get('warning')).toContain('110 - "served from the cache: upstream far:')
    const other = await proxy.get('/v2/app/manifests/2')
    expect([502, 503]).toContain(other.status)
    const blob = await proxy.get(`/v2/app/blobs/${second.config.digest}`)
    expect([502, 503]).toContain(blob.status)
    expect((await (await proxy.get('/v2/app/tags/list')).json()) as object).toEqual({ name: 'app', tags: ['1'] })
    expect(proxy.lines.some((line) => line.includes('proxy stale'))).toBeTrue()
  })

  test.each([
    [429, 429],
    [500, 502],
    [401, 401],
    [403, 403],
  ])('tells what a status %i of the upstream means, by %i', async (status, told) => {
    const { far, proxy } = await lab()
    far.rude = (socket) => {
      respond(socket, status, status === 429 ? { 'retry-after': '60' } : {})
      return true
    }
    const answer = await proxy.get('/v2/app/manifests/1')
    expect(answer.status).toBe(told)
    expect((await errorOf(answer)).message).toContain('far')
    if (status === 429) expect(answer.headers.get('retry-after')).toBe('60')
  })

  test('refuses pushes and deletions with the way out', async () => {
    const { far, proxy } = await lab()
    const refused = await proxy.get('/v2/app/blobs/uploads/', {}, 'POST')
    expect(refused.status).toBe(405)
    expect((await errorOf(refused)).message).toBe(`far is a proxy of ${far.host}: push to a hosted repository`)
    expect((await proxy.get('/v2/app/manifests/1', {}, 'DELETE')).status).toBe(405)
    expect(far.requests).toEqual([])
  })

  test('lists tags as the upstream has them', async () => {
    const { far, proxy } = await lab()
    for (const tag of ['b', 'a', 'c']) far.put('app', second, tag)
    const page = await proxy.get('/v2/app/tags/list?n=2')
    expect((await page.json()) as object).toEqual({ name: 'app', tags: ['a', 'b'] })
    expect(page.headers.get('link')).toContain('last=b')
  })
})

describe('a blob that is not there yet', () => {
  test('is told about by HEAD without being fetched', async () => {
    const { far, proxy } = await lab()
    far.put('app', first, '1')
    const answer = await proxy.get(`/v2/app/blobs/${layer.digest}`, {}, 'HEAD')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-length')).toBe(String(layer.bytes.length))
    expect(far.count('GET', 'blobs')).toBe(0)
  })

  test('is fetched once for fifty clients, whatever part they want', async () => {
    const { far, proxy } = await lab()
    far.put('app', first, '1')
    const size = layer.bytes.length
    const wanted = Array.from({ length: 50 }, (_, index) =>
      index % 5 === 0 ? [size - 1000 - index, size - 1] : undefined,
    )
    await Promise.all(
      wanted.map(async (range) => {
        const headers: Record<string, string> = range ? { range: `bytes=${range[0]}-${range[1]}` } : {}
        const answer = await proxy.get(`/v2/app/blobs/${layer.digest}`, headers)
        expect(answer.status).toBe(range ? 206 : 200)
        const expected = range ? layer.bytes.subarray(range[0]!, range[1]! + 1) : layer.bytes
        expect(Buffer.compare(await answer.bytes(), expected)).toBe(0)
      }),
    )
    expect(far.count('GET', 'blobs')).toBe(1)
  })

  test('comes byte by byte as it arrives, its last one only when all are right', async () => {
    const { far, proxy } = await lab()
    far.put('app', first, '1')
    const half = Promise.withResolvers<void>()
    far.rude = async (socket, request) => {
      if (request.method !== 'GET' || !request.path.includes('/blobs/')) return false
      respond(socket, 200, { 'content-length': String(layer.bytes.length) })
      socket.write(layer.bytes.subarray(0, 100))
      await half.promise
      socket.write(layer.bytes.subarray(100))
      return true
    }
    const answer = await proxy.get(`/v2/app/blobs/${layer.digest}`)
    const reader = answer.body!.getReader()
    const { value } = await reader.read()
    expect(value?.length).toBe(100)
    half.resolve()
    let got = 100
    for (let next = await reader.read(); !next.done; next = await reader.read()) got += next.value.length
    expect(got).toBe(layer.bytes.length)
  })

  test('is not held up by a client that reads nothing, nor by one that leaves', async () => {
    const { far, proxy } = await lab()
    far.put('app', first, '1')
    const path = `/v2/app/blobs/${layer.digest}`
    const [slow, leaving, fast] = await Promise.all([proxy.get(path), proxy.get(path), proxy.get(path)])
    const slowReader = slow.body!.getReader()
    const begin = (await slowReader.read()).value!
    await leaving.body!.cancel()
    expect(Buffer.compare(await fast.bytes(), layer.bytes)).toBe(0)
    const parts = [begin]
    for (let next = await slowReader.read(); !next.done; next = await slowReader.read()) parts.push(next.value)
    expect(Buffer.compare(Buffer.concat(parts), layer.bytes)).toBe(0)
    expect(far.count('GET', 'blobs')).toBe(1)
  })

  test('breaks off for everybody and is not kept when its bytes are wrong', async () => {
    const { far, proxy } = await lab()
    far.put('app', first, '1')
    const wrong = Buffer.from(layer.bytes)
    wrong[wrong.length >> 1]! ^= 1
    far.rude = (socket, request) => {
      if (request.method !== 'GET' || !request.path.includes('/blobs/')) return false
      respond(socket, 200, {}, wrong)
      return true
    }
    const path = `/v2/app/blobs/${layer.digest}`
    const answers = await Promise.all([proxy.get(path), proxy.get(path)])
    const outcomes = await Promise.allSettled(answers.map(drain))
    for (const outcome of outcomes)
      expect(String((outcome as PromiseRejectedResult).reason)).toContain('sent other bytes')
    far.rude = undefined
    const again = await proxy.get(path)
    expect(Buffer.compare(await again.bytes(), layer.bytes)).toBe(0)
  })

  test('goes on where it broke off', async () => {
    const { far, proxy } = await lab()
    far.put('app', first, '1')
    let cuts = 0
    far.rude = async (socket, request) => {
      if (request.method !== 'GET' || !request.path.includes('/blobs/') || cuts === 2) return false
      cuts++
      const start = rangeStart(request)
      const { length } = layer.bytes
      const range = start > 0 ? { 'content-range': `bytes ${start}-${length - 1}/${length}` } : {}
      respond(socket, start > 0 ? 206 : 200, { 'content-length': String(length - start), ...range })
      socket.end(layer.bytes.subarray(start, start + 500_000))
      return true
    }
    const answer = await proxy.get(`/v2/app/blobs/${layer.digest}`)
    expect(Buffer.compare(await answer.bytes(), layer.bytes)).toBe(0)
    expect(far.requests.map(rangeStart).at(-1)).toBeGreaterThan(0)
    expect(far.count('GET', 'blobs')).toBe(3)
  })

  test('breaks off when the upstream stalls for good, and leaves nothing behind', async () => {
    const { far, proxy } = await lab()
    far.put('app', first, '1')
    far.rude = (socket, request) => {
      if (request.method !== 'GET' || !request.path.includes('/blobs/')) return false
      if (rangeStart(request) > 0) respond(socket, 404)
      else respond(socket, 200, { 'content-length': String(layer.bytes.length) }, layer.bytes.subarray(0, 1000))
      return true
    }
    const answer = await proxy.get(`/v2/app/blobs/${layer.digest}`)
    await expect(answer.bytes()).rejects.toThrow('went away at the upstream')
    await sleep(50)
    expect(await proxy.app.db.queries.selectFrom('uploads').selectAll().execute()).toEqual([])
    expect(await proxy.app.db.queries.selectFrom('blobs').selectAll().execute()).toEqual([])
  }, 20_000)

  test('is not had through the name of an image that has it not', async () => {
    const { far, proxy } = await lab()
    far.put('secret', first, '1')
    await pull(proxy, 'secret', '1', first)
    expect((await proxy.get(`/v2/other/blobs/${layer.digest}`)).status).toBe(404)
    far.put('copy', first, '1')
    await pull(proxy, 'copy', '1', first)
    expect(far.count('GET', 'blobs')).toBe(1 + first.layers.length)
  })

  test('without a size is answered once it is here', async () => {
    const { far, proxy } = await lab()
    far.put('app', first, '1')
    far.rude = (socket, request) => {
      if (!request.path.includes('/blobs/')) return false
      const size = layer.bytes.length.toString(16)
      respond(
        socket,
        200,
        { 'content-length': '', 'transfer-encoding': 'chunked' },
        request.method === 'HEAD' ? '' : `${size}\r\n`,
      )
      if (request.method === 'GET') socket.write(layer.bytes)
      if (request.method === 'GET') socket.write('\r\n0\r\n\r\n')
      return true
    }
    const answer = await proxy.get(`/v2/app/blobs/${layer.digest}`)
    expect(answer.headers.get('content-length')).toBe(String(layer.bytes.length))
    expect(Buffer.compare(await answer.bytes(), layer.bytes)).toBe(0)
  })
})
