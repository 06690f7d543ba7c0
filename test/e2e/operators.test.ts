import { describe, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { attempt, freePort, temporaryFolder } from '../helpers/process.ts'
import { cleanEnvironment } from '../helpers/registry-process.ts'
import { startServer } from '../helpers/server.ts'

describe('what operators see', () => {
  test('metrics need a login on the main listener and none on theirs', async () => {
    const port = await freePort()
    await using server = await startServer({
      auth: 'admin',
      env: {
        ENTREPOT_HTTP_DEBUG_ADDR: `127.0.0.1:${port}`,
        ENTREPOT_HTTP_DEBUG_PROMETHEUS_ENABLED: 'true',
        ENTREPOT_HTTP_DEBUG_PROMETHEUS_PATH: '/numbers',
      },
    })
    const { username, password } = server.credentials!
    const authorization = `Basic ${btoa(`${username}:${password}`)}`
    const stranger = await fetch(`${server.url}/metrics`)
    expect(stranger.status).toBe(401)
    expect(stranger.headers.get('www-authenticate')).toStartWith('Basic realm=')
    const numbers = await (await fetch(`${server.url}/metrics`, { headers: { authorization } })).text()
    expect(numbers).toMatch(/^registry_http_requests_total\{.*code="401"\} 1$/m)
    expect(await (await fetch(`http://127.0.0.1:${port}/numbers`)).text()).toContain('entrepot_build_info{')
    expect(await (await fetch(`http://127.0.0.1:${port}/debug/health`)).json()).toEqual({})
    expect((await fetch(`http://127.0.0.1:${port}/v2/`)).status).toBe(404)
    expect((await fetch(`${server.url}/debug/health`)).status).toBe(404)
  })

  test('a start that fails says why in one line and ends', async () => {
    await using server = await startServer()
    const folder = temporaryFolder('second')
    const env = { ...cleanEnvironment(), ENTREPOT_DATADIR: folder, ENTREPOT_HTTP_ADDR: server.host }
    const { code, stderr } = await attempt([resolve(import.meta.dir, '../../bin/entrepot'), 'serve'], { env })
    rmSync(join(folder), { recursive: true, force: true })
    expect(code).toBe(1)
    const errors = stderr
      .trim()
      .split('\n')
      .filter((line) => !/ info /.test(line))
    expect(errors).toEqual([expect.stringContaining(`cannot listen on ${server.host}`)])
  })
})
