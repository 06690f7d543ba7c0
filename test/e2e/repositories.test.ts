import { afterAll, expect, test } from 'bun:test'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { makeImage } from '../helpers/oci.ts'
import { attempt, freePort, temporaryFolder, waitFor } from '../helpers/process.ts'
import { registryClient } from '../helpers/registry-client.ts'
import { cleanEnvironment } from '../helpers/registry-process.ts'
import { startServer } from '../helpers/server.ts'

const entrepot = resolve(import.meta.dirname, '../../bin/entrepot')
const folder = temporaryFolder('repositories')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const dataDir = join(folder, 'data')
const fast = join(folder, 'fast')
const config = {
  dataDir,
  auth: 'none',
  storage: { filesystem: { rootdirectory: join(folder, 'slow') }, gc: { grace: '2s' } },
  blobStores: { fast: { filesystem: { rootdirectory: fast } } },
  repositories: [{ name: 'private' }],
}
const file = join(folder, 'config.yml')
writeFileSync(file, JSON.stringify(config))

const command = (...words: string[]) => [entrepot, ...words, '--config', file]
const run = (...words: string[]) => attempt(command(...words), { env: cleanEnvironment() })
const blobsIn = (root: string) => {
  const blobs = join(root, 'docker/registry/v2/blobs')
  if (!existsSync(blobs)) return 0
  return readdirSync(blobs, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('/data')).length
}

test('repositories made beside a running server are served, survive restarts, and move to another store through a kill', async () => {
  const port = await freePort()
  let server = await startServer({ port, dataDir, config })
  let client = registryClient(server)
  const images = Array.from({ length: 12 }, (_, n) => makeImage(`moved ${n}`, { layers: 3, layerSize: 400_000 }))

  // Offline at first: until the server knows of it, its images would go to the default repository.
  const status = async () => (await client.request('GET', '/v2/team/app0/manifests/v1')).status
  expect(await run('repo', 'create', 'team', '--set', 'quota.tags=1000', '--set', 'online=false')).toMatchObject({
    code: 0,
  })
  await waitFor('503', async () => (await status()) === 503)
  expect((await run('explain', 'team/app0:v1')).stdout).toContain('the repository is offline: it is switched off')
  expect(await run('repo', 'online', 'team')).toMatchObject({ code: 0 })
  await waitFor('404', async () => (await status()) === 404)
  for (const [n, image] of images.entries()) await client.pushImage(`team/app${n}`, image, 'v1')

  // Killed as soon as the first copies are there.
  const [program, ...words] = command('repo', 'move', 'team', '--to', 'fast')
  const mover = spawn(program!, words, { env: cleanEnvironment(), stdio: 'ignore' })
  const ended = new Promise((done) => mover.once('exit', done))
  await waitFor('the first copies', async () => blobsIn(fast) > 3, 30_000)
  mover.kill('SIGKILL')
  await ended
  for (const [n, image] of images.entries()) await client.verifyImage(`team/app${n}`, image, 'v1')
  await server.kill9()

  server = await startServer({ port, dataDir, config })
  client = registryClient(server)
  for (const [n, image] of images.entries()) await client.verifyImage(`team/app${n}`, image, 'v1')

  // Once more, with pushes and pulls all the while.
  const state = { isOver: false, pushed: 0 }
  const busy = (async () => {
    for (; !state.isOver; state.pushed++) {
      const image = makeImage(`meanwhile ${state.pushed}`)
      await client.pushImage(`team/busy${state.pushed}`, image, 'v1')
      await client.verifyImage(`team/busy${state.pushed}`, image, 'v1')
    }
  })()
  const moved = await run('repo', 'move', 'team', '--to', 'fast', '--json')
  expect(moved).toMatchObject({ code: 0 })
  state.isOver = true
  await busy
  const everything = async () => {
    for (const [n, image] of images.entries()) await client.verifyImage(`team/app${n}`, image, 'v1')
    for (let n = 0; n < state.pushed; n++) await client.verifyImage(`team/busy${n}`, makeImage(`meanwhile ${n}`), 'v1')
  }
  await everything()
  await server.stop()

  // Without the old store nothing is missing.
  rmSync(join(folder, 'slow'), { recursive: true })
  server = await startServer({ port, dataDir, config })
  client = registryClient(server)
  await everything()
  expect((await run('repo', 'remove', 'team')).stderr).toContain('repository team is not empty: it has')
  expect(await run('repo', 'remove', 'team', '--with-content')).toMatchObject({ code: 0 })
  await waitFor('404', async () => (await status()) === 404)
  await server.stop()
}, 120_000)

test('secrets are not in the database, survive a new key, and without a key only their repository is offline', async () => {
  const password = 'correct horse'
  const make = [
    'repo',
    'create',
    'hub',
    '--type',
    'proxy',
    '--set',
    'upstream.url=http://127.0.0.1:1',
    '--set',
    'upstream.username=ci',
  ]
  const made = await attempt(command(...make, '--password-stdin'), { env: cleanEnvironment(), input: `${password}\n` })
  expect(made).toMatchObject({ code: 0 })
  for (const name of readdirSync(dataDir).filter((one) => one.startsWith('entrepot.db')))
    expect(await Bun.file(join(dataDir, name)).text()).not.toContain(password)
  expect((await run('repo', 'show', 'hub')).stdout).toContain('password: "***"')
  const before = await Bun.file(join(dataDir, 'secrets.key')).text()
  expect(await run('secrets', 'rotate')).toMatchObject({ code: 0 })
  expect(await Bun.file(join(dataDir, 'secrets.key')).text()).not.toBe(before)
  expect((await run('repo', 'show', 'hub')).stdout).not.toContain('offline')
  const backup = await run('backup', join(folder, 'backup.gz'))
  expect(backup.stderr).toContain('secrets.key, is not in it')

  rmSync(join(dataDir, 'secrets.key'))
  expect((await run('repo', 'list')).stdout).toMatch(/^hub +proxy +in trouble/m)
  const server = await startServer({ dataDir, config })
  const client = registryClient(server)
  expect((await client.request('GET', '/v2/hub/app/manifests/v1')).status).toBe(503)
  await client.pushImage('app', makeImage('fine'), 'v1')
  expect(server.log()).toContain('upstream.password of repository hub cannot be opened: it was sealed with key')
  expect((await run('explain', 'hub/app')).stdout).toContain('the repository is offline: upstream.password')
  await server.stop()
}, 60_000)
