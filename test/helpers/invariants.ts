import { createHash } from 'node:crypto'
import { type Selectable, sql } from 'kysely'
import { blobKey } from '../../src/content/blob-store.ts'
import type { Digest } from '../../src/content/digest.ts'
import type { Database } from '../../src/database/database.ts'
import type { Schema } from '../../src/database/schema.ts'
import type { StorageDriver } from '../../src/storage/driver.ts'

/**
 * Reads all tables and the whole store of an installation with one blob store, `default`, in which nothing is under way, and names what is
 * broken: content that is promised but not there, and garbage that nothing would ever find.
 */
export async function findBrokenPromises(db: Database, driver: StorageDriver): Promise<string[]> {
  const all = async <Name extends keyof Schema>(table: Name): Promise<Selectable<Schema[Name]>[]> =>
    (await sql<Selectable<Schema[Name]>>`select * from ${sql.table(table)}`.execute(db.queries)).rows
  const [images, manifests, references, tags, blobs, links, queue, uploads] = await Promise.all([
    all('images'),
    all('manifests'),
    all('manifest_references'),
    all('tags'),
    all('blobs'),
    all('blob_links'),
    all('gc_queue'),
    all('uploads'),
  ])
  const problems: string[] = []
  const inImage = (row: { image_id: number; digest: string }) => `${row.image_id} ${row.digest}`
  const manifestIds = new Set(manifests.map(({ id }) => id))
  const manifestDigests = new Set(manifests.map(inImage))
  const linked = new Set(links.map(inImage))
  const linkedContent = new Set(links.map(({ digest }) => digest))
  const referenced = new Set(references.map(inImage))
  const live = new Map(blobs.filter(({ state }) => state === 'live').map((blob) => [blob.digest, blob]))
  const waiting = new Set(queue.map((row) => `${row.image_id} ${row.store} ${row.digest}`))

  for (const { digest, size } of live.values()) {
    const found = await digestInStore(driver, digest)
    if (found !== `${size} ${digest}`) problems.push(`live blob ${digest} (${size}) has in the store: ${found}`)
  }
  for (const link of links) {
    if (!live.has(link.digest)) problems.push(`link ${inImage(link)} has no live blob`)
    if (!referenced.has(inImage(link)) && !waiting.has(`${link.image_id}  ${link.digest}`)) {
      problems.push(`leak: unreferenced link ${inImage(link)} is not in the queue`)
    }
  }
  for (const reference of references) {
    if (!manifestIds.has(reference.manifest_id)) problems.push(`reference ${inImage(reference)} has no manifest`)
    if (!linked.has(inImage(reference)) && !manifestDigests.has(inImage(reference))) {
      problems.push(`a manifest references ${inImage(reference)}, which its image does not have`)
    }
  }
  for (const tag of tags) {
    if (!manifestDigests.has(inImage(tag)))
      problems.push(`tag ${tag.name} points to ${inImage(tag)}, which is no manifest`)
  }
  for (const { store, digest, state } of blobs) {
    if (state !== 'deleting' && !linkedContent.has(digest) && !waiting.has(`0 ${store} ${digest}`)) {
      problems.push(`leak: unlinked ${state} blob ${digest} is not in the queue`)
    }
  }
  const imagesInQueue = new Set(queue.map(({ image_id }) => image_id))
  for (const { id, name } of images) {
    const isEmpty = ![...manifests, ...links].some(({ image_id }) => image_id === id)
    if (isEmpty && !imagesInQueue.has(id)) problems.push(`leak: empty image ${name} is not in the queue`)
  }
  const known = new Set(blobs.map(({ digest }) => blobKey(digest as Digest)))
  for await (const { key } of driver.list('')) if (!known.has(key)) problems.push(`leak: object ${key} has no row`)
  const sessions = new Set(uploads.map(({ id }) => id))
  for await (const { id } of driver.staged()) if (!sessions.has(id)) problems.push(`leak: staged ${id} has no upload`)
  return problems
}

async function digestInStore(driver: StorageDriver, digest: string): Promise<string> {
  const bytes = await driver.read(blobKey(digest as Digest))
  if (!bytes) return 'nothing'
  const [algorithm = ''] = digest.split(':')
  const hash = createHash(algorithm)
  let size = 0
  for await (const chunk of bytes) {
    hash.update(chunk)
    size += chunk.length
  }
  return `${size} ${algorithm}:${hash.digest('hex')}`
}
