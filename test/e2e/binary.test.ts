import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { version } from '../../src/version.ts'
import { makeImage } from '../helpers/oci.ts'
import { attempt, freePort, run, startDaemon, temporaryFolder, waitFor } from '../helpers/process.ts'
import { registryClient } from '../helpers/registry-client.ts'
import { cleanEnvironment } from '../helpers/registry-process.ts'
import { whyNoPackages } from '../services/packages.ts'
import { portAnswers } from '../services/ports.ts'
import { startPostgres } from '../services/postgres.ts'

const root = resolve(import.meta.dir, '../..')
const folder = temporaryFolder('binary')
const binary = join(folder, 'entrepot')
/** The program needs nothing of the project: it is started elsewhere, and `.env` and `bunfig.toml` there are traps. */
const elsewhere = join(folder, 'elsewhere')
const env = { ...cleanEnvironment(), ENTREPOT_DATADIR: join(folder, 'data') }

beforeAll(async () => {
  await run([process.execPath, '--no-install', join(root, 'deploy/build-binary.ts'), '--out', binary])
  mkdirSync(elsewhere)
  writeFileSync(join(elsewhere, '.env'), 'ENTREPOT_HTTP_ADDR=nonsense\n')
  writeFileSync(join(elsewhere, 'bunfig.toml'), 'preload = ["./missing.ts"]\n')
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function serve(args: string[], more: Record<string, string>) {
  const port = await freePort()
  const daemon = startDaemon(args, {
    logFile: join(folder, `log-${port}`),
    env: { ...env, ENTREPOT_HTTP_ADDR: `127.0.0.1:${port}`, ...more },
    cwd: elsewhere,
  })
  const answers = async () => {
    if (!daemon.alive()) throw new Error(daemon.log())
    return portAnswers(port)
  }
  await waitFor('the binary', answers)
  return { daemon, url: `http://127.0.0.1:${port}` }
}

describe('the single executable', () => {
  test('says its version wherever it is started', async () => {
    expect((await run([binary, '--version'], { cwd: elsewhere, env })).trim()).toBe(version)
  })

  test('goes by no .env file, and neither does bin/entrepot', async () => {
    for (const program of [binary, join(root, 'bin/entrepot')])
      expect(await run([program, 'check-config'], { cwd: elsewhere, env })).toContain('addr: :5000')
  })

  test('serves, takes an image and gives it back', async () => {
    const { daemon, url } = await serve([binary], {})
    try {
      const password = readFileSync(join(folder, 'data/admin.password'), 'utf8').trim()
      const client = registryClient({ url, credentials: { username: 'admin', password } })
      const image = makeImage('binary', { layerSize: 3_000_000 })
      await client.pushImage('team/app', image, '1.0')
      await client.verifyImage('team/app', image, '1.0')
      expect((await fetch(`${url}/v2/`)).status).toBe(401)
      const page = await (await fetch(url)).text()
      const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(page)?.[1]
      const packed = await fetch(`${url}/${script}`, { headers: { 'accept-encoding': 'br' }, decompress: false })
      expect([packed.status, packed.headers.get('content-encoding')]).toEqual([200, 'br'])
      expect((await run([binary, 'gc', '--dry-run', '--json'], { cwd: elsewhere, env })).trim()).toContain('"blobs":0')
    } finally {
      expect(await daemon.stop()).toBe(0)
    }
  })

  test('goes by the words of registry:2, also under the name registry', async () => {
    const config = join(folder, 'config.yml')
    writeFileSync(config, 'version: 0.1\nauth: none\nstorage: {inmemory: {}}\n')
    const registry = join(folder, 'registry')
    symlinkSync(binary, registry)
    for (const command of [
      [registry, 'serve', config],
      [binary, 'registry', 'serve', config],
      [binary, config],
    ]) {
      const { daemon, url } = await serve(command, {})
      expect((await fetch(`${url}/v2/`)).status).toBe(200)
      expect(await daemon.stop()).toBe(0)
    }
  })

  test('makes certificates', async () => {
    const out = join(folder, 'certs')
    await run([binary, 'cert', 'create', '--name', 'localhost', '--out', out], { cwd: elsewhere, env })
    expect(statSync(join(out, 'server.key')).mode & 0o777).toBe(0o600)
  })

  test('names a misspelt command', async () => {
    const { code, stderr } = await attempt([binary, 'sreve'], { cwd: elsewhere, env })
    expect(code).toBe(2)
    expect(stderr).toContain('no command sreve')
  })

  const reason = process.env['ENTREPOT_TEST_POSTGRES'] ? undefined : whyNoPackages()
  test.skipIf(reason !== undefined)(
    `keeps its tables in PostgreSQL${reason ? ` (skipped: ${reason})` : ''}`,
    async () => {
      const database = await startPostgres()
      try {
        const { daemon, url } = await serve([binary], { ENTREPOT_DATABASE: database.url, REGISTRY_AUTH: 'none' })
        const client = registryClient({ url })
        const image = makeImage('binary')
        await client.pushImage('team/app', image, '1.0')
        await client.verifyImage('team/app', image, '1.0')
        expect(await daemon.stop()).toBe(0)
      } finally {
        await database.stop()
      }
    },
    120_000,
  )
})
