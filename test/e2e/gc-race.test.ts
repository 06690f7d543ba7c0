import { afterAll, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../src/database/database.ts'
import { openFilesystemDriver } from '../../src/storage/filesystem.ts'
import { findBrokenPromises } from '../helpers/invariants.ts'
import { type Blob, descriptorOf, type Manifest, manifestOf, mediaTypes, noiseBlob } from '../helpers/oci.ts'
import { temporaryFolder, waitFor } from '../helpers/process.ts'
import { expectStatus, type RegistryClient, registryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'

const seconds = Number(process.env['GC_RACE_SECONDS'] ?? 30)
const graceMs = 1000
const dataDir = temporaryFolder('gc-race')
let server: Server | undefined
afterAll(async () => {
  await server?.stop('SIGKILL')
  rmSync(dataDir, { recursive: true, force: true })
})

/** Few blobs for many writers, so that the collector is always about to remove what somebody just needs. */
const blobs = Array.from({ length: 8 }, (_, n) => noiseBlob(`raced ${n}`, 2000 + n * 5000))
const pick = <T>(choices: readonly T[]): T => choices[Math.floor(Math.random() * choices.length)]!
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface Counts {
  pushed: number
  promised: number
  late: number
  deleted: number
  read: number
  absent: number
}

test(`nothing that is in use is lost while garbage is collected for ${seconds} seconds`, async () => {
  server = await startServer({ dataDir, env: { ENTREPOT_STORAGE_GC_GRACE: `${graceMs}ms` } })
  const client = registryClient(server)
  const counts: Counts = { pushed: 0, promised: 0, late: 0, deleted: 0, read: 0, absent: 0 }
  const end = Date.now() + seconds * 1000
  const isOver = () => Date.now() > end
  await Promise.all([
    ...[0, 1, 2, 3, 4].map((writer) => pushAndDelete(client, `race/${writer}`, isOver, counts)),
    ...[0, 1].map(() => readAtRandom(client, isOver, counts)),
  ])
  console.log(`  ${JSON.stringify(counts)}`)
  expect(counts.deleted).toBeGreaterThan(seconds)
  expect(counts.absent).toBeGreaterThan(0)

  const stored = async () => {
    const found: string[] = []
    const driver = await openFilesystemDriver({ root: join(dataDir, 'blobs') })
    for await (const { key } of driver.list('')) found.push(key)
    return found.length
  }
  await waitFor('the collector to remove everything', async () => (await stored()) === 0, 30_000)
  await server.stop()
  const db = await openDatabase(`sqlite:${join(dataDir, 'entrepot.db')}`)
  const problems = await findBrokenPromises(db, await openFilesystemDriver({ root: join(dataDir, 'blobs') }))
  await db.close()
  expect(problems).toEqual([])
}, 180_000)

/** Pushes an image, sees that it is whole now and a while later, deletes it, and lets the collector have a chance. */
async function pushAndDelete(client: RegistryClient, image: string, isOver: () => boolean, counts: Counts) {
  while (!isOver()) {
    const layers = [...new Set([pick(blobs), pick(blobs), pick(blobs)])]
    const manifest = manifestOf({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      layers: layers.map((blob) => descriptorOf(blob)),
    })
    if (!(await pushed(client, image, layers, manifest, counts))) continue
    counts.pushed++
    await verify(client, image, layers)
    await pause(pick([0, 50, 1500]))
    await verify(client, image, layers)
    await expectStatus(await client.delete(image, 'manifests', manifest.digest), 202)
    counts.deleted++
    await pause(pick([0, 300, graceMs, graceMs + 100, 2 * graceMs]))
  }
}

/** As clients do it: asks for each blob, mounts or uploads what is not there, and then relies on all of it. */
async function pushed(client: RegistryClient, image: string, layers: Blob[], manifest: Manifest, counts: Counts) {
  const begun = performance.now()
  for (const blob of layers) {
    if (await client.hasBlob(image, blob.digest)) {
      counts.promised++
      continue
    }
    if ((await client.mount(image, blob.digest, `race/${pick([0, 1, 2, 3, 4])}`)).status === 201) continue
    const response = await client.pushBlob(image, blob)
    await expectStatus(response, 201)
  }
  const answer = await client.pushManifest(image, manifest, 'latest')
  if (answer.status === 201) return true
  // Told that a blob exists, a client has at least half the grace time. On a busy machine this test may need longer.
  expect(performance.now() - begun, await answer.text()).toBeGreaterThan(graceMs / 2 - 50)
  counts.late++
  return false
}

async function verify(client: RegistryClient, image: string, layers: Blob[]): Promise<void> {
  expect(await client.pullManifest(image, 'latest')).toBeDefined()
  for (const blob of layers)
    expect(await client.verifyBlob(image, blob.digest), `${image} ${blob.digest}`).toBe(blob.bytes.length)
}

/** Reads what may go at any moment: whole and right, or absent, never anything between. */
async function readAtRandom(client: RegistryClient, isOver: () => boolean, counts: Counts): Promise<void> {
  while (!isOver()) {
    const size = await client.verifyBlob(`race/${pick([0, 1, 2, 3, 4])}`, pick(blobs).digest)
    if (size === undefined) counts.absent++
    else counts.read++
    await pause(2)
  }
}
