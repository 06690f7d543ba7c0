import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '../../src/database/database.ts'
import { countRows } from '../../src/database/dump.ts'
import { descriptorOf, type Image, type Manifest, makeImage, makeIndex } from '../helpers/oci.ts'
import { attempt, freePort, startDaemon, waitFor } from '../helpers/process.ts'
import { expectStatus, type RegistryClient, registryClient } from '../helpers/registry-client.ts'
import { cleanEnvironment } from '../helpers/registry-process.ts'
import { filesOf, registryTree } from '../helpers/registry-tree.ts'
import { startServer } from '../helpers/server.ts'
import { startDockerRegistry } from '../services/docker-registry.ts'
import { whyWithout } from '../services/packages.ts'

const why = await whyWithout('docker-registry')
if (why) console.log(`adoption: skipped, ${why}`)

const folder = mkdtempSync(join(tmpdir(), 'entrepot-adoption-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const entrepot = resolve(import.meta.dirname, '../../bin/entrepot')

const shared = makeImage('shared', { layerSize: 300_000 })
const images: [name: string, tag: string, image: Image][] = [
  ['app', 'v1', shared],
  ['app', 'v2', makeImage('app v2', { layers: shared.layers })],
  ['app/nested', 'latest', makeImage('nested')],
  ['team/a-b_c/d.e', 'x', makeImage('odd name')],
]
const index: Manifest = makeIndex([descriptorOf(images[0]![2].manifest), descriptorOf(images[1]![2].manifest)])

async function push(client: RegistryClient): Promise<void> {
  for (const [name, tag, image] of images) await client.pushImage(name, image, tag)
  await expectStatus(await client.pushManifest('app', index, 'multi'), 201)
  // A tag that moved, and a manifest that nothing names any more.
  await client.pushImage('app', makeImage('moved on'), 'moving')
  await client.pushImage('app', makeImage('moved here'), 'moving')
}

async function expectAll(client: RegistryClient): Promise<void> {
  for (const [name, tag, image] of images) await client.verifyImage(name, image, tag)
  expect(await client.pullManifest('app', 'multi')).toEqual(index)
  await client.verifyImage('app', makeImage('moved here'), 'moving')
  await client.verifyImage('app', makeImage('moved on'))
  expect((await client.tags('app')).sort()).toEqual(['moving', 'multi', 'v1', 'v2'])
}

describe.skipIf(why !== undefined)('the data folder of a docker-registry', () => {
  const data = join(folder, 'registry')

  beforeAll(async () => {
    const before = await startDockerRegistry({ dataDir: data })
    await push(registryClient(before))
    await before.stop()
  })

  test('is served whole at the first start and left as it was, so that docker-registry can go on with it', async () => {
    const files = filesOf(data)
    const server = await startServer({ env: { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: data } })
    await expectAll(registryClient(server))
    await server.stop()
    for (const [name, content] of files) expect([name, filesOf(data).get(name)]).toEqual([name, content])

    const again = await startDockerRegistry({ dataDir: data })
    await expectAll(registryClient(again))
    await again.stop()
  })

  test('can be pushed to and deleted from afterwards', async () => {
    const server = await startServer({ env: { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: data } })
    const client = registryClient(server)
    await client.pushImage('app', makeImage('later', { layers: shared.layers }), 'later')
    await expectStatus(await client.delete('app', 'manifests', images[1]![2].manifest.digest), 202)
    await client.verifyImage('app', makeImage('later', { layers: shared.layers }), 'later')
    await client.verifyImage('app', shared, 'v1')
    expect((await client.tags('app')).sort()).toEqual(['later', 'moving', 'multi', 'v1'])
    await server.stop()
  })

  test('is copied into a running server by entrepot import', async () => {
    const server = await startServer()
    const env = { ...cleanEnvironment(), ENTREPOT_DATADIR: server.dataDir, REGISTRY_AUTH: 'none' }
    const files = filesOf(data)
    const outcome = await attempt([entrepot, 'import', 'registry', join(data, 'docker/registry/v2'), '--json'], { env })
    expect(outcome).toMatchObject({ code: 0 })
    expect(JSON.parse(outcome.stdout)).toMatchObject({ problems: {}, images: 3 })
    await expectAll(registryClient(server))
    expect(filesOf(data)).toEqual(files)
    await server.stop()
  })
})

describe('taking over a large registry', () => {
  test('survives being killed at any moment: nothing is missing or double afterwards', async () => {
    const root = join(folder, 'large')
    const tree = registryTree(root)
    const many = Array.from({ length: 1500 }, (_, n) => makeImage(`image ${n}`, { layers: shared.layers }))
    for (const [n, image] of many.entries()) tree.image(`team${n % 7}/app${n % 300}`, image, `v${n}`)
    const data = join(folder, 'killed')
    const options = { dataDir: data, env: { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: root } }
    for (let round = 0; round < 4; round++) {
      const environment = { ...cleanEnvironment(), ...options.env, ENTREPOT_DATADIR: data, REGISTRY_AUTH: 'none' }
      const daemon = startDaemon([entrepot, 'serve'], {
        logFile: join(folder, `killed-${round}.log`),
        env: { ...environment, ENTREPOT_HTTP_ADDR: `127.0.0.1:${await freePort()}` },
      })
      await waitFor('the beginning', () => !daemon.alive() || daemon.log().includes('listens on'))
      // Wherever it is by then; any place must do.
      await sleep(round * 150)
      await daemon.stop('SIGKILL')
      expect(daemon.log()).toContain('taking over')
    }
    const server = await startServer({ ...options, readyMs: 60_000 })
    const client = registryClient(server)
    await Promise.all(
      many.map(async ({ manifest }, n) => {
        if (n % 10 === 0)
          expect((await client.pullManifest(`team${n % 7}/app${n % 300}`, `v${n}`))?.digest).toBe(manifest.digest)
      }),
    )
    await server.stop()
    const db = await openDatabase(`sqlite:${join(data, 'entrepot.db')}`)
    const rows = await countRows(db.queries)
    await db.close()
    expect(rows).toMatchObject({ manifests: 1500, tags: 1500, tag_history: 1500, manifest_references: 4500 })
  }, 120_000)
})
