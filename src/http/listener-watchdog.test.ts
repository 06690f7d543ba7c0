import { afterAll, describe, expect, test } from 'bun:test'
import { truncateSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { temporaryFolder } from '../../test/helpers/certificates.ts'
import { rawExchange } from '../../test/helpers/raw-http.ts'
import { silentLog } from '../telemetry/log.ts'
import { objectResponse } from './file-body.ts'
import { openListener } from './listener.ts'

const folder = temporaryFolder()
afterAll(folder.remove)

describe('the watchdog of uploads', () => {
  test.concurrent('gives up on a client that sends nothing more, and not on one that drips', async () => {
    const outcomes: Record<string, unknown> = {}
    const listener = await openListener({
      addr: '127.0.0.1:0',
      trust: [],
      log: silentLog,
      // Shorter than the drip takes: only lifting it lets the drip live.
      idleTimeoutSeconds: 2,
      watchdogSeconds: 1,
      async handler(incoming) {
        let size = 0
        try {
          for await (const chunk of incoming.body()) size += chunk.length
          outcomes[incoming.path] = size
        } catch (error) {
          outcomes[incoming.path] = error
        }
        return new Response('seen', { headers: { connection: 'close' } })
      },
    })
    const silent = rawExchange(listener.port, 'PUT /silent HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhello')
    let sent = 0
    const dripping = rawExchange(
      listener.port,
      'PUT /drip HTTP/1.1\r\nHost: a\r\nContent-Length: 28\r\n\r\n',
      (socket) => {
        const timer = setInterval(() => {
          socket.write('x')
          if (++sent === 28) clearInterval(timer)
        }, 250)
      },
    )
    expect((await silent).body.toString()).toBe('seen')
    expect(outcomes['/silent']).toMatchObject({
      code: 'request-invalid',
      message: expect.stringContaining('1 seconds'),
    })
    expect((await dripping).body.toString()).toBe('seen')
    expect(outcomes['/drip']).toBe(28)
    await listener.stop(0)
  }, 30_000)

  test.concurrent('does not count the time that we take ourselves', async () => {
    const listener = await openListener({
      addr: '127.0.0.1:0',
      trust: [],
      log: silentLog,
      watchdogSeconds: 0.4,
      async handler(incoming) {
        let size = 0
        for await (const chunk of incoming.body()) {
          if (size === 0) await Bun.sleep(1200)
          size += chunk.length
        }
        return Response.json(size)
      },
    })
    const answer = await fetch(listener.address, { method: 'PUT', body: new Uint8Array(3_000_000) })
    expect(await answer.json()).toBe(3_000_000)
    await listener.stop(0)
  })
})

test.concurrent('connections that send half a head or nothing are closed', async () => {
  const handler = () => new Response('not reached')
  const listener = await openListener({
    addr: '127.0.0.1:0',
    trust: [],
    log: silentLog,
    idleTimeoutSeconds: 1,
    handler,
  })
  const half = rawExchange(listener.port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Sl')
  const answers = await Promise.all([half, rawExchange(listener.port, '')])
  expect(answers.map(({ text }) => text)).toEqual(['', ''])
  await listener.stop(0)
}, 30_000)

describe.if(process.platform === 'linux')('the watchdog of downloads', () => {
  test.concurrent('cuts a reader that stops reading, and not one that reads slowly', async () => {
    const path = join(folder.path, 'large')
    writeFileSync(path, '')
    const size = 64 * 1024 * 1024
    truncateSync(path, size)
    const listener = await openListener({
      addr: '127.0.0.1:0',
      trust: [],
      log: silentLog,
      idleTimeoutSeconds: 2,
      watchdogSeconds: 3,
      handler: (incoming) =>
        objectResponse(
          incoming,
          {
            size,
            localFile: path,
            read: () => {
              throw new Error('not needed')
            },
          },
          new Headers(),
        ),
    })
    const program = resolve(import.meta.dir, '../../test/helpers/slow-reader.ts')
    const run = async (bytesPerRead: number, reads: number) => {
      const reader = Bun.spawn([process.execPath, program, String(listener.port), String(bytesPerRead), String(reads)])
      return JSON.parse(await new Response(reader.stdout).text())
    }
    const [slow, dead] = await Promise.all([run(2048, 36), run(0, 36)])
    expect(slow).toEqual({ outcome: 'alive', total: expect.any(Number) })
    expect(dead).toEqual({ outcome: 'cut', total: expect.any(Number) })
    await listener.stop(0)
  }, 40_000)
})
