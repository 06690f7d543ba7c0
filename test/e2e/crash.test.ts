import { afterAll, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { openDatabase } from '../../src/database/database.ts'
import { openFilesystemDriver } from '../../src/storage/filesystem.ts'
import { findBrokenPromises } from '../helpers/invariants.ts'
import { noise } from '../helpers/noise.ts'
import { blobOf, descriptorOf, type Manifest, manifestOf, mediaTypes } from '../helpers/oci.ts'
import { freePort, run, temporaryFolder } from '../helpers/process.ts'
import { locationOf, type RegistryClient, registryClient, withDigest } from '../helpers/registry-client.ts'
import { cleanEnvironment } from '../helpers/registry-process.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { commonBlobs, Ledger } from './crash-ledger.ts'

const rounds = Number(process.env['ENTREPOT_TEST_CRASH_ROUNDS'] ?? 100)
const writers = 4
const tags = ['latest', 'stable']
const dataDir = temporaryFolder('crash')
const entrepot = resolve(import.meta.dirname, '../../bin/entrepot')
const env = { ENTREPOT_STORAGE_GC_GRACE: '1s', ENTREPOT_LOG_ACCESSLOG_DISABLED: 'true' }
const random = randomNumbers(20_300_101)
const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!

let server: Server | undefined
afterAll(async () => {
  await server?.stop('SIGKILL')
  rmSync(dataDir, { recursive: true, force: true })
})

/** Thrown into a writer whose server is gone. */
const isOver = (error: unknown) =>
  ['ECONNRESET', 'ConnectionRefused', 'ECONNREFUSED', 'ConnectionClosed'].includes(
    String((error as { code?: unknown }).code),
  )

test(
  `what was acknowledged is there after each of ${rounds} kills`,
  async () => {
    const port = await freePort()
    const ledgers = Array.from({ length: writers }, () => new Ledger())
    const resumed = new ResumedUpload()
    const counts = { requests: 0, pulled: 0, resumed: 0, gc: 0 }

    for (let round = 0; round < rounds; round++) {
      server = await startServer({ port, dataDir, env })
      const client = registryClient(server)
      for (const ledger of ledgers) counts.pulled += await ledger.verify(client)
      const stop = { asked: false }
      const work = Promise.allSettled([
        ...ledgers.map((ledger, writer) => write(client, ledger, writer, stop, counts)),
        resumed.goOn(client, stop).then((finished) => {
          counts.resumed += finished
        }),
      ])
      // Long enough for the collector in every third round; a collector of another process as well in every tenth.
      if (round % 10 === 9) counts.gc += await collectBeside(server)
      await new Promise((done) => setTimeout(done, 20 + random() * (round % 3 === 0 ? 2200 : 300)))
      stop.asked = true
      await server.kill9()
      for (const ended of await work) {
        if (ended.status === 'rejected' && !isOver(ended.reason)) throw ended.reason
      }
      const problems = (await offline()).filter((problem) => !problem.startsWith('leak: staged'))
      expect(problems, `after kill ${round}`).toEqual([])
    }
    console.log(`  ${rounds} kills: ${JSON.stringify(counts)}`)
    expect(counts.pulled).toBeGreaterThan(rounds)

    server = await startServer({ port, dataDir, env })
    const client = registryClient(server)
    for (const ledger of ledgers) await ledger.verify(client)
    await server.stop()
    expect(await offline()).toEqual([])
  },
  { timeout: 15 * 60_000 },
)

/** Random changes to the images of one writer, until told to stop or the server is gone. */
async function write(
  client: RegistryClient,
  ledger: Ledger,
  writer: number,
  stop: { asked: boolean },
  counts: { requests: number },
): Promise<void> {
  while (!stop.asked) {
    const image = `team/${writer}-${pick(['a', 'b'])}`
    const tag = pick(tags)
    await pick([pushImage, pushImage, pushImage, retag, untag, deleteManifest])(client, ledger, image, tag)
    counts.requests++
  }
}

type Change = (client: RegistryClient, ledger: Ledger, image: string, tag: string) => Promise<void>

const pushImage: Change = async (client, ledger, image, tag) => {
  const own = blobOf(new Uint8Array(noise(random(), 1 + Math.floor(random() * 100_000)).bytes()))
  const blobs = [...new Set([pick(commonBlobs), pick(commonBlobs), own])]
  const manifest = manifestOf({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    layers: blobs.map((blob) => descriptorOf(blob)),
  })
  ledger.remember(manifest, blobs)
  for (const blob of blobs) {
    const how = pick(['head', 'mount', 'whole', 'chunks', 'stream', 'post'])
    if (how === 'head' && (await client.hasBlob(image, blob.digest))) continue
    if (how === 'mount' && (await client.mount(image, blob.digest, `team/${pick([0, 1, 2, 3])}-a`)).status === 201)
      continue
    const response =
      how === 'chunks'
        ? await client.pushBlobInChunks(image, blob, 1 + Math.floor(blob.bytes.length / 3))
        : how === 'stream'
          ? await client.pushBlob(image, { digest: blob.digest, stream: slowly(blob.bytes) })
          : how === 'post'
            ? await client.request('POST', `/v2/${image}/blobs/uploads/?digest=${blob.digest}`, { body: blob.bytes })
            : await client.pushBlob(image, blob)
    expect(response.status, `push of ${blob.digest} by ${how}`).toBe(201)
  }
  await putManifest(client, ledger, image, tag, manifest)
}

const retag: Change = async (client, ledger, image, tag) => {
  const digest = ledger.known(image, pick(tags))
  const manifest = digest === undefined ? undefined : await client.pullManifest(image, digest)
  if (manifest) await putManifest(client, ledger, image, tag, manifest)
}

const untag: Change = async (client, ledger, image, tag) => {
  if (ledger.known(image, tag) === undefined) return
  const settle = ledger.attempt(image, tag, undefined)
  expect((await client.delete(image, 'manifests', tag)).status).toBe(202)
  settle('done')
}

const deleteManifest: Change = async (client, ledger, image, tag) => {
  const digest = ledger.known(image, tag)
  if (digest === undefined) return
  const settle = ledger.tagsOf(image, digest).map((name) => ledger.attempt(image, name, undefined))
  expect((await client.delete(image, 'manifests', digest)).status).toBe(202)
  for (const one of settle) one('done')
}

async function putManifest(client: RegistryClient, ledger: Ledger, image: string, tag: string, manifest: Manifest) {
  const settle = ledger.attempt(image, tag, manifest.digest)
  const response = await client.pushManifest(image, manifest, tag)
  // On a machine that stands still for longer than the grace time, blobs pushed first may be gone again. Then nothing was acknowledged.
  expect([201, 400]).toContain(response.status)
  settle(response.status === 201 ? 'done' : 'refused')
}

/** One upload that goes on after each crash, from the offset that the server tells. */
class ResumedUpload {
  #content = new Uint8Array(0)
  #location: string | undefined
  #acknowledged = 0
  #closing = false
  #number = 0

  /** Returns how many were finished. */
  async goOn(client: RegistryClient, stop: { asked: boolean }): Promise<number> {
    let finished = 0
    while (!stop.asked) {
      if (this.#location === undefined) {
        this.#content = noise(`resumed ${this.#number++}`, 300_000 + Math.floor(random() * 3_000_000)).bytes()
        this.#acknowledged = 0
        this.#closing = false
        this.#location = await client.startUpload('team/resumed')
      }
      const status = await client.request('GET', this.#location)
      if (status.status === 404) {
        // Finished by a request whose answer never came; nothing references the blob, so it may have been collected since.
        const size = await client.verifyBlob('team/resumed', blobOf(this.#content).digest)
        expect([this.#content.length, undefined]).toContain(size)
        this.#location = undefined
        continue
      }
      expect(status.status).toBe(204)
      const last = Number((status.headers.get('range') ?? '').split('-')[1])
      // Nothing and one byte look the same, and no chunk has one byte. A closing request that was killed may have moved all bytes to their place
      // already, from where they are not taken back: then the upload starts again.
      if (this.#closing && last === 0) this.#acknowledged = 0
      const offset = last === 0 ? 0 : last + 1
      expect(offset).toBeGreaterThanOrEqual(this.#acknowledged)
      finished += await this.#send(client, offset)
    }
    return finished
  }

  async #send(client: RegistryClient, offset: number): Promise<number> {
    const location = this.#location!
    const body = this.#content.slice(offset, offset + 200_000)
    if (offset + body.length < this.#content.length) {
      const headers = { 'content-range': `${offset}-${offset + body.length - 1}` }
      const response = await client.request('PATCH', location, { body, headers })
      if (response.status === 416) return 0
      expect(response.status).toBe(202)
      this.#location = locationOf(response)
      this.#acknowledged = offset + body.length
      return 0
    }
    const digest = blobOf(this.#content).digest
    this.#closing = true
    const response = await client.request('PUT', withDigest(location, digest), { body })
    expect(response.status).toBe(201)
    this.#location = undefined
    return 1
  }
}

/** Reads the data folder of a server that is not running. */
async function offline(): Promise<string[]> {
  const db = await openDatabase(`sqlite:${join(dataDir, 'entrepot.db')}`)
  try {
    return await findBrokenPromises(db, await openFilesystemDriver({ root: join(dataDir, 'blobs') }))
  } finally {
    await db.close()
  }
}

/** `entrepot gc` in a process of its own, while the server works. */
async function collectBeside({ dataDir: data }: Server): Promise<number> {
  await run([entrepot, 'gc', '--json'], { env: { ...cleanEnvironment(), ...env, ENTREPOT_DATADIR: data } })
  return 1
}

async function* slowly(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < bytes.length; done += 16_384) {
    yield bytes.slice(done, done + 16_384)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
