import { createBlobStores } from '../../src/content/blob-store.ts'
import { createBlobs } from '../../src/content/blobs.ts'
import { createCollector } from '../../src/content/collector.ts'
import type { Place } from '../../src/content/content.ts'
import { algorithmOf, type Digest, digestOf } from '../../src/content/digest.ts'
import { createUploads } from '../../src/content/uploads.ts'
import type { Database } from '../../src/database/database.ts'
import { prepareFindManifest } from '../../src/database/manifests.ts'
import { createHostedImages } from '../../src/formats/docker/images/hosted.ts'
import { manifestDigest, mediaTypes, parseManifest } from '../../src/formats/docker/images/manifest.ts'
import type { Repository } from '../../src/repositories/repositories.ts'
import type { ByteStream, StorageDriver } from '../../src/storage/driver.ts'
import { createInMemoryContents, createInMemoryDriver } from '../../src/storage/inmemory.ts'
import type { TestDatabase } from './databases.ts'
import { findBrokenPromises } from './invariants.ts'
import { openTestRepositories } from './repositories.ts'

export const minute = 60_000
export const hour = 60 * minute

export type Instance = ReturnType<typeof createInstance>

export interface LabOptions {
  graceMs?: number
  /** Where objects are kept; default: in memory, shared by all instances. */
  driver?: StorageDriver
  writePolicy?: 'allow' | 'allow-once'
}

/** One database and one store with as many instances on them as a test wants, and one clock that the test sets. */
export async function openLab(opened: TestDatabase, options: LabOptions = {}) {
  const { graceMs = hour, writePolicy = 'allow' } = options
  const clock = { time: Date.parse('2030-01-01T00:00:00Z') }
  const now = () => clock.time
  const contents = createInMemoryContents()
  const driver = options.driver ?? createInMemoryDriver(contents)
  const declared = ['private', 'other'].map((name) => ({ name, writePolicy }))
  const repositories = await openTestRepositories(opened.db, declared, 'private', now)
  const [other, home] = repositories.all() as [Repository, Repository]
  const parts = { now, graceMs, home, other }
  let isFirst = true

  return {
    clock,
    contents,
    driver,
    home,
    other,
    advance(ms: number) {
      clock.time += ms
    },
    /** An instance, each but the first on a connection of its own. `wrap` puts something around its database or driver. */
    async instance(wrap: Wrap = {}): Promise<Instance> {
      const db = isFirst ? opened.db : await opened.again()
      isFirst = false
      return createInstance({ ...parts, db: wrap.database?.(db) ?? db, driver: wrap.driver?.(driver) ?? driver })
    },
    /** Throws with everything that is not as it must be while nothing is under way. */
    async check(): Promise<void> {
      const problems = await findBrokenPromises(opened.db, driver)
      if (problems.length > 0) throw new Error(`broken promises:\n  ${problems.join('\n  ')}`)
    },
    /** How many rows the tables of content have, and how many objects and staged uploads there are. */
    async remains(): Promise<Record<string, number>> {
      const tables = [
        'images',
        'manifests',
        'manifest_references',
        'tags',
        'tag_history',
        'blobs',
        'blob_links',
      ] as const
      const counts: Record<string, number> = {}
      for (const table of [...tables, 'uploads', 'gc_queue'] as const) {
        const rows = await opened.db.queries.selectFrom(table).selectAll().execute()
        if (rows.length > 0) counts[table] = rows.length
      }
      for await (const _ of driver.list('')) counts['objects'] = (counts['objects'] ?? 0) + 1
      for await (const _ of driver.staged()) counts['staged'] = (counts['staged'] ?? 0) + 1
      return counts
    },
  }
}

export type Lab = Awaited<ReturnType<typeof openLab>>

export interface Wrap {
  database?: (db: Database) => Database
  driver?: (driver: StorageDriver) => StorageDriver
}

interface InstanceParts {
  db: Database
  driver: StorageDriver
  now: () => number
  graceMs: number
  home: Repository
  other: Repository
}

function createInstance({ db, driver, now, graceMs, home, other }: InstanceParts) {
  const stores = createBlobStores([{ name: 'default', driver }])
  const parts = { db, stores, now, graceMs }
  const blobs = createBlobs(parts)
  const uploads = createUploads(parts, { patienceMs: 1000 })
  const collector = createCollector(parts, { steady: now })
  const imagesOf = createHostedImages({ ...parts, blobs, uploads }, { readOnly: false, deletable: true, sparse: false })
  const placeOf = (image: string): Place => ({ repositoryId: home.id, image, store: 'default' })
  const images = imagesOf(home)
  const find = prepareFindManifest(db)

  return {
    db,
    driver,
    blobs,
    uploads,
    collector,
    images,
    /** Of the other repository, which keeps its content in the same store. */
    others: imagesOf(other),
    placeOf,
    /** Uploads the bytes in one piece. Resolves with their digest. */
    async push(image: string, bytes: Uint8Array | string, digest = digestOf(bytesOf(bytes))): Promise<Digest> {
      const upload = await uploads.start(placeOf(image), algorithmOf(digest))
      await uploads.finish(upload, digest, { bytes: once(bytes) })
      return digest
    },
    /** Puts a manifest that references the digests. Resolves with its own. */
    async tag(image: string, references: Digest[], ...tags: string[]): Promise<Digest> {
      const manifest = parseManifest(manifestBytes(references), null)
      const digest = manifestDigest(manifest, 'sha256')
      await images.putManifest(image, manifest, digest, tags)
      return digest
    },
    /** Reads a blob whole; undefined when the image has none. */
    async pull(image: string, digest: Digest): Promise<string | undefined> {
      const blob = await blobs.find(placeOf(image), digest)
      if (!blob) return undefined
      const chunks: Uint8Array[] = []
      for await (const chunk of await blob.read()) chunks.push(new Uint8Array(chunk))
      return Buffer.concat(chunks).toString()
    },
    /** The digest of what is tagged, or of the manifest itself if it is there: as the database has it, not as this instance may remember it. */
    async manifest(image: string, { tag, digest }: { tag?: string; digest?: Digest }): Promise<Digest | undefined> {
      const found = digest ? await find.byDigest(home.id, image, digest) : await find.byTag(home.id, image, tag ?? '')
      return found?.digest as Digest | undefined
    },
    /** What HEAD does: true is a promise. */
    has: async (image: string, digest: Digest) =>
      (await blobs.find(placeOf(image), digest, { renew: true })) !== undefined,
  }
}

/** A manifest with these layers: the same bytes for the same layers. */
export function manifestBytes(references: Digest[]): Uint8Array {
  const layers = references.map((digest) => ({ mediaType: 'application/octet-stream', digest, size: 1 }))
  return new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, layers }))
}

/** The bytes as a stream of one chunk. */
export async function* once(bytes: Uint8Array | string): ByteStream {
  yield bytesOf(bytes)
}

function bytesOf(bytes: Uint8Array | string): Uint8Array {
  return typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes
}
