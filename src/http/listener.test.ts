import { afterEach, describe, expect, test } from 'bun:test'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { temporaryFolder } from '../../test/helpers/certificates.ts'
import { rawExchange, rawGet } from '../../test/helpers/raw-http.ts'
import { AppError } from '../errors.ts'
import { createLog, silentLog } from '../telemetry/log.ts'
import type { Handler, Incoming } from './incoming.ts'
import { type Listener, type ListenerOptions, openListener } from './listener.ts'

const opened: Listener[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((listener) => listener.stop(0)))
})

async function open(handler: Handler, options: Partial<ListenerOptions> = {}): Promise<Listener> {
  const listener = await openListener({
    addr: '127.0.0.1:0',
    handler,
    trust: ['127.0.0.0/8'],
    log: silentLog,
    ...options,
  })
  opened.push(listener)
  return listener
}

/** Answers with what `look` sees in the request. */
const showing =
  (look: (incoming: Incoming) => unknown): Handler =>
  (incoming) =>
    Response.json(look(incoming) ?? null)

describe('a request', () => {
  test('shows its method, path, query and target as they were sent', async () => {
    const { port } = await open(
      showing(({ method, path, query, target }) => [method, path, query.getAll('tag'), target]),
    )
    const answer = await rawGet(port, '/v2/team%2Fapp/x?tag=a&tag=b%20c', {}, 'DELETE')
    expect(JSON.parse(answer.body.toString())).toEqual([
      'DELETE',
      '/v2/team%2Fapp/x',
      ['a', 'b c'],
      '/v2/team%2Fapp/x?tag=a&tag=b%20c',
    ])
  })

  test('of HTTP/1.0 needs no Host, as in the health checks of haproxy', async () => {
    const { port } = await open(showing(({ path, query, target }) => [path, query.get('a'), target]))
    const answer = await rawExchange(port, 'GET /readyz/x?a=http://b/c HTTP/1.0\r\n\r\n')
    expect(JSON.parse(answer.body.toString())).toEqual(['/readyz/x', 'http://b/c', '/readyz/x?a=http://b/c'])
  })

  test('loses the prefix, and only whole segments of it', async () => {
    const { port } = await open(
      showing(({ path, origin }) => [path, origin.prefix]),
      { prefix: '/sub/' },
    )
    const path = async (target: string) => JSON.parse((await rawGet(port, target)).body.toString())
    expect(await path('/sub/v2/')).toEqual(['/v2/', '/sub'])
    expect(await path('/subway/v2/')).toEqual(['/subway/v2/', '/sub'])
    expect(await path('/v2/')).toEqual(['/v2/', '/sub'])
  })

  test('knows who asks and under which address', async () => {
    const { port } = await open(showing(({ origin, clientAddress }) => [origin, clientAddress]))
    const seen = async (headers: Record<string, string>) =>
      JSON.parse((await rawGet(port, '/', headers)).body.toString())
    expect(await seen({ Host: 'hub:5000' })).toEqual([{ scheme: 'http', host: 'hub:5000', prefix: '' }, '127.0.0.1'])
    expect(await seen({ Host: 'hub', 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.9' })).toEqual([
      { scheme: 'https', host: 'hub', prefix: '' },
      '203.0.113.9',
    ])
  })

  test('keeps a sane request id and replaces any other', async () => {
    const { port } = await open(showing(({ id }) => id))
    const id = async (given: string) => JSON.parse((await rawGet(port, '/', { 'X-Request-Id': given })).body.toString())
    expect(await id('abc-1.2_3')).toBe('abc-1.2_3')
    const [one, two] = [await id('a b"<script>'), await id('x'.repeat(200))]
    expect(one).toMatch(/^[\w-]+$/)
    expect(two).not.toBe(one)
  })

  test('may carry 60 kB of header', async () => {
    const { port } = await open(showing(({ headers }) => headers.get('range')?.length))
    expect((await rawGet(port, '/', { Range: `bytes=${'1-2,'.repeat(15_000)}3-4` })).body.toString()).toBe('60009')
  })
})

describe('a body', () => {
  const counting: Handler = async (incoming) => {
    let size = 0
    for await (const chunk of incoming.body()) size += chunk.length
    return Response.json(size)
  }
  const whole: Handler = async (incoming) => {
    try {
      return new Response(
        String((await incoming.bodyWhole(10, () => new AppError('manifest-too-large', 'too large'))).length),
      )
    } catch (error) {
      return new Response((error as AppError).code, { status: 413 })
    }
  }

  test('arrives whole with a length, in chunks, or not at all', async () => {
    const { address } = await open(counting)
    const body = new Uint8Array(5_000_000)
    expect(await (await fetch(address, { method: 'PUT', body })).json()).toBe(body.length)
    const stream = new ReadableStream({
      start(controller) {
        for (let index = 0; index < 50; index++) controller.enqueue(body.subarray(0, 100_000))
        controller.close()
      },
    })
    expect(await (await fetch(address, { method: 'PUT', body: stream })).json()).toBe(body.length)
    expect(await (await fetch(address, { method: 'PUT', body: '' })).json()).toBe(0)
    expect(await (await fetch(address)).json()).toBe(0)
  })

  test('read whole may be as long as allowed and no longer, announced or not', async () => {
    const { port } = await open(whole)
    const put = async (head: string, body: string) =>
      (
        await rawExchange(port, `PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${head}\r\n\r\n${body}`)
      ).body.toString()
    expect(await put('Content-Length: 10', '0123456789')).toBe('10')
    expect(await put('Content-Length: 11', '0123456789a')).toBe('manifest-too-large')
    expect(await put('Transfer-Encoding: chunked', 'a\r\n0123456789\r\n0\r\n\r\n')).toBe('10')
    expect(await put('Transfer-Encoding: chunked', 'a\r\n0123456789\r\n1\r\na\r\n0\r\n\r\n')).toBe('manifest-too-large')
  })

  for (const [name, head, body] of [
    ['with a length', 'Content-Length: 1000', 'hello'],
    ['in chunks', 'Transfer-Encoding: chunked', '5\r\nhello\r\n'],
  ] as const)
    test(`${name} that the client breaks off rejects with request-invalid`, async () => {
      const { promise, resolve } = Promise.withResolvers<unknown>()
      const { port } = await open(async (incoming) => {
        try {
          for await (const _ of incoming.body());
          resolve('complete')
        } catch (error) {
          resolve(error)
        }
        return new Response()
      })
      rawExchange(port, `PUT / HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n${body}`, (socket) =>
        setTimeout(() => socket.destroy(), 100),
      )
      expect(await promise).toMatchObject({
        name: 'AppError',
        code: 'request-invalid',
        message: expect.stringContaining('broke off'),
      })
    })
})

describe('a listener', () => {
  test('on a unix socket serves, replaces a dead socket, and leaves nothing behind', async () => {
    const folder = temporaryFolder()
    const path = join(folder.path, 'entrepot.sock')
    const dead = createServer()
    await new Promise<void>((resolve) => dead.listen(path, resolve))
    const script = `require('node:net').createServer().listen(${JSON.stringify(`${path}2`)}, () => process.kill(process.pid, 'SIGKILL'))`
    await Bun.spawn([process.execPath, '-e', script]).exited
    expect(existsSync(`${path}2`)).toBe(true)
    const listener = await open(
      showing(({ clientAddress }) => clientAddress),
      { addr: `${path}2` },
    )
    expect(listener.address).toBe(`unix:${path}2`)
    expect((await rawGet(`${path}2`, '/')).body.toString()).toBe('""')
    expect((await rawGet(`${path}2`, '/', { 'X-Forwarded-For': '203.0.113.9' })).body.toString()).toBe('"203.0.113.9"')
    expect(statSync(`${path}2`).mode & 0o777).toBe(0o660)
    await expect(openListener({ addr: path, handler: showing(() => 1), trust: [], log: silentLog })).rejects.toThrow(
      path,
    )
    await listener.stop(0)
    expect(existsSync(`${path}2`)).toBe(false)
    await new Promise((resolve) => dead.close(resolve))
    folder.remove()
  })

  test('says which address is taken and what to do', async () => {
    const { port } = await open(showing(() => 1))
    const second = openListener({ addr: `127.0.0.1:${port}`, handler: showing(() => 1), trust: [], log: silentLog })
    await expect(second).rejects.toThrow(new RegExp(`127.0.0.1:${port}.*another process`))
  })

  test('says that an address is not of this machine', async () => {
    const opening = openListener({ addr: '203.0.113.77:5000', handler: showing(() => 1), trust: [], log: silentLog })
    await expect(opening).rejects.toThrow(/203\.0\.113\.77:5000.*no such address/)
  })

  for (const addr of ['5000', 'localhost', ':70000', 'http://localhost:5000', '::1:5000', ''])
    test(`refuses "${addr}" as an address`, async () => {
      await expect(openListener({ addr, handler: showing(() => 1), trust: [], log: silentLog })).rejects.toThrow(
        `"${addr}"`,
      )
    })

  test('on all addresses answers over IPv4', async () => {
    const { port, address } = await open(
      showing(({ clientAddress }) => clientAddress),
      { addr: ':0' },
    )
    expect(address).toBe(`http://localhost:${port}`)
    expect((await rawGet(port, '/')).body.toString()).toBe('"127.0.0.1"')
  })

  test('answers 500 without the reason when a handler throws, and logs it', async () => {
    const lines: string[] = []
    const { port } = await open(
      () => {
        throw new Error('the reason')
      },
      { log: createLog({ stream: { write: (line) => lines.push(line) } }) },
    )
    const answer = await rawGet(port, '/')
    expect([answer.status, answer.text.includes('the reason')]).toEqual([500, false])
    expect(lines.join('')).toContain('the reason')
  })
})

describe('a graceful stop', () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'file')
  writeFileSync(path, new Uint8Array(20_000_000))

  test('finishes what runs, tells kept connections to close, and takes nothing new', async () => {
    const release = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    const listener = await open(async ({ path: asked }) => {
      if (asked === '/file') return new Response(Bun.file(path))
      arrived.resolve()
      await release.promise
      return new Response('done')
    })
    const slow = rawExchange(listener.port, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    const started = Promise.withResolvers<void>()
    const download = rawExchange(listener.port, 'GET /file HTTP/1.1\r\nHost: a\r\n\r\n', (socket) => {
      socket.once('data', () => {
        socket.pause()
        started.resolve()
        setTimeout(() => socket.resume(), 600)
      })
    })
    await Promise.all([arrived.promise, started.promise])
    const stopped = listener.stop(10_000)
    await expect(fetch(`http://127.0.0.1:${listener.port}/`)).rejects.toThrow()
    release.resolve()
    expect((await slow).text).toMatch(/connection: close(.|\s)*done$/i)
    expect((await download).body.length).toBe(20_000_000)
    expect(await stopped).toBe(0)
    folder.remove()
  })

  test('breaks off what takes longer and counts it', async () => {
    const arrived = Promise.withResolvers<void>()
    const listener = await open(() => {
      arrived.resolve()
      return new Promise<Response>(() => {})
    })
    const hanging = rawExchange(listener.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await arrived.promise
    expect(await listener.stop(50)).toBe(1)
    expect((await hanging).text).toBe('')
  })
})
