import { Database as Sqlite } from 'bun:sqlite'
import { afterAll, describe, expect, test } from 'bun:test'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../src/database/database.ts'
import { openFilesystemDriver } from '../../src/storage/filesystem.ts'
import { findBrokenPromises } from '../helpers/invariants.ts'
import { type Image, makeImage, noiseBlob } from '../helpers/oci.ts'
import { attempt, run, temporaryFolder } from '../helpers/process.ts'
import { expectStatus, type RegistryClient, registryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'

const folder = temporaryFolder('full')
const disks: string[] = []
const servers: Server[] = []
const possible = await canMount()
if (!possible)
  console.log('  a small file system cannot be mounted here (it takes root): the tests of a full disk are skipped')

afterAll(async () => {
  for (const server of servers) await server.stop('SIGKILL')
  for (const disk of disks) await run(['umount', '-l', disk]) // this process may still have the database open
  rmSync(folder, { recursive: true, force: true })
})

async function canMount(): Promise<boolean> {
  const probe = join(folder, 'probe')
  mkdirSync(probe)
  const { code } = await attempt(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe]).catch(() => ({ code: -1 }))
  if (code === 0) await run(['umount', probe])
  return code === 0
}

/** A file system with room for this many megabytes. */
async function smallDisk(name: string, megabytes: number): Promise<string> {
  const path = join(folder, name)
  mkdirSync(path)
  await run(['mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path])
  disks.push(path)
  return path
}

/** Takes all room that is left. Returns how to give it back. */
function fill(disk: string): () => void {
  const file = join(disk, 'filler')
  const { bfree, bsize } = statfsSync(disk)
  writeFileSync(file, Buffer.alloc(bfree * bsize))
  return () => rmSync(file)
}

async function start(options: { dataDir: string; env?: Record<string, string> }): Promise<RegistryClient> {
  const server = await startServer(options)
  servers.push(server)
  return registryClient(server)
}

/** A push that may be refused for want of room, and for nothing else. True: all of it was acknowledged. */
async function tryPush(client: RegistryClient, image: string, content: Image): Promise<boolean> {
  for (const blob of [...content.layers, content.config]) {
    const begun = await client.request('POST', `/v2/${image}/blobs/uploads/?digest=${blob.digest}`, {
      body: blob.bytes,
    })
    if (!(await accepted(begun))) return false
  }
  return accepted(await client.pushManifest(image, content.manifest, 'latest'))
}

async function accepted(response: Response): Promise<boolean> {
  if (response.status === 201) return true
  expect(response.status).toBe(507)
  const { errors } = (await response.json()) as { errors: { message: string }[] }
  expect(errors[0]?.message).toContain('no room left')
  return false
}

async function pushUntilFull(client: RegistryClient, name: string, layerSize: number): Promise<Map<string, Image>> {
  const done = new Map<string, Image>()
  for (let n = 0; n < 2000; n++) {
    const content = makeImage(`${name} ${n}`, { layers: 1, layerSize })
    if (!(await tryPush(client, `full/${name}-${n}`, content))) return done
    done.set(`full/${name}-${n}`, content)
  }
  throw new Error('the disk never became full')
}

async function verifyAll(client: RegistryClient, pushed: Map<string, Image>): Promise<void> {
  for (const [image, content] of pushed) await client.verifyImage(image, content, 'latest')
}

async function expectUndamaged(database: string, blobs: string): Promise<void> {
  const file = new Sqlite(database)
  expect(file.query('pragma integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
  file.close()
  const db = await openDatabase(`sqlite:${database}`)
  const problems = await findBrokenPromises(db, await openFilesystemDriver({ root: blobs }))
  await db.close()
  expect(problems).toEqual([])
}

describe.skipIf(!possible)('a full disk', () => {
  test('refuses pushes with a reason, serves what is there, and goes on once there is room', async () => {
    const disk = await smallDisk('both', 32)
    const client = await start({ dataDir: disk })
    const pushed = await pushUntilFull(client, 'large', 3_000_000)
    expect(pushed.size).toBeGreaterThan(3)

    // Not a byte is left, neither for layers nor for the database beside them.
    const giveBack = fill(disk)
    const refused = makeImage('refused', { layers: 1, layerSize: 100_000 })
    expect(await tryPush(client, 'full/refused', refused)).toBe(false)
    for (let n = 0; n < 300; n++) {
      const response = await client.request('POST', '/v2/full/sessions/blobs/uploads/')
      expect([202, 507]).toContain(response.status)
    }
    expect((await client.request('GET', '/healthz')).status).toBe(200)
    await verifyAll(client, pushed)

    giveBack()
    rmSync(join(disk, 'filler'), { force: true })
    const small = makeImage('afterwards', { layers: 1, layerSize: 1000 })
    expect(await tryPush(client, 'full/afterwards', small)).toBe(true)
    pushed.set('full/afterwards', small)
    await verifyAll(client, pushed)

    // What was deleted makes room, without a restart.
    const [image, content] = [...pushed][0]!
    await expectStatus(await client.delete(image, 'manifests', content.manifest.digest), 202)
    pushed.delete(image)
    await servers.at(-1)!.kill9()
    const again = await start({ dataDir: disk })
    await verifyAll(again, pushed)
    await servers.at(-1)!.stop()
    await expectUndamaged(join(disk, 'entrepot.db'), join(disk, 'blobs'))
  }, 120_000)

  test('of the database alone is told apart from that of the layers, and damages neither', async () => {
    const disk = await smallDisk('database', 2)
    const dataDir = join(folder, 'roomy')
    const database = join(disk, 'entrepot.db')
    const client = await start({ dataDir, env: { ENTREPOT_DATABASE: `sqlite:${database}` } })
    const pushed = await pushUntilFull(client, 'small', 100)
    expect(pushed.size).toBeGreaterThan(3)
    const layer = noiseBlob('no row for it', 1000)
    const response = await client.request('POST', `/v2/full/x/blobs/uploads/?digest=${layer.digest}`, {
      body: layer.bytes,
    })
    if (!(await accepted(response.clone() as Response))) {
      // Where there is no room is for the log: the client learns that there is none, and a request id to find the line with.
      expect(response.status).toBe(507)
      expect(servers.at(-1)!.log()).toMatch(/database: .* has no room left/)
    }
    await verifyAll(client, pushed)
    expect((await client.request('GET', '/healthz')).status).toBe(200)
    await run(['mount', '-o', 'remount,size=8m', disk])
    const content = makeImage('afterwards', { layers: 1, layerSize: 1000 })
    expect(await tryPush(client, 'full/afterwards', content)).toBe(true)
    pushed.set('full/afterwards', content)
    await verifyAll(client, pushed)
    await servers.at(-1)!.stop()
    await expectUndamaged(database, join(dataDir, 'blobs'))
  }, 120_000)
})
