import { blobKey } from '../../../content/blob-store.ts'
import type { ContentParts } from '../../../content/content.ts'
import type { Digest } from '../../../content/digest.ts'
import { holdBlobs, insertLinks, insertManifests, insertTags, noteBlobs } from '../../../database/adoption.ts'
import type { Queries } from '../../../database/database.ts'
import { enqueue } from '../../../database/gc-queue.ts'
import { ensureImage, findImage } from '../../../database/images.ts'
import { findManifests } from '../../../database/manifests.ts'
import type { Repository } from '../../../repositories/repositories.ts'
import { mapBounded } from './bounded.ts'
import type { ImagePart } from './read-image.ts'
import type { Problem, Report } from './report.ts'

export interface WriterOptions {
  parts: ContentParts
  repository: Repository
  inPlace: boolean
  report: Report
  /** A collector may be at work meanwhile: files are looked at once more after they are held against it. Only matters in place. */
  serving: boolean
  /** How many manifests and tags make a transaction. */
  batch: number
  /** Called within each transaction with the images that it completes: where progress is remembered. */
  completing(queries: Queries, images: string[]): Promise<void>
}

/** Gathers parts of images and writes them many at a time: a transaction for each would wait for the disk too often. */
export function createWriter(options: WriterOptions) {
  const { parts, repository, inPlace, serving, report, batch, completing } = options
  const { db, stores, now, graceMs } = parts
  let waiting: ImagePart[] = []
  let weight = 0
  let writing: Promise<void> = Promise.resolve()

  function flush(): Promise<void> {
    const taken = waiting
    waiting = []
    weight = 0
    if (taken.length > 0) writing = writing.then(() => write(taken))
    // Whoever adds the next part or finishes hears of a failure; until then it must not count as unhandled.
    writing.catch(() => {})
    return writing
  }

  async function write(taken: ImagePart[]): Promise<void> {
    const gone = inPlace && serving ? await goneMeanwhile(taken) : new Set<string>()
    const { newManifests, newTags, problems } = await db.transaction((tx) => writeAll(tx, taken, gone))
    report.progress.newManifests += newManifests
    report.progress.newTags += newTags
    report.progress.images += taken.filter(({ isLast }) => isLast).length
    for (const problem of problems) report.problem(problem)
  }

  /** Contents that the collector was just removing. Once held, a file that is there stays; a row without a file becomes a candidate again. */
  async function goneMeanwhile(taken: ImagePart[]): Promise<Set<string>> {
    const leaseUntil = now() + graceMs
    const held = await db.relaxed((tx) => takeHold(tx, taken, leaseUntil))
    const { driver } = stores(repository.store)
    const gone = await mapBounded([...held], 16, async (digest) =>
      (await driver.stat(blobKey(digest as Digest))) ? undefined : digest,
    )
    const missing = gone.filter((digest) => digest !== undefined)
    const candidates = missing.map((digest) => ({ imageId: 0, store: repository.store, digest }))
    await db.relaxed((tx) => enqueue(tx, candidates, leaseUntil))
    return new Set(missing)
  }

  async function writeAll(tx: Queries, taken: ImagePart[], gone: Set<string>) {
    const problems: Problem[] = []
    const leaseUntil = now() + graceMs
    const usable = await takeHold(tx, taken, leaseUntil)
    const ids = new Map<string, number>()
    for (const { image, manifests } of taken) {
      if (manifests.length === 0 || ids.has(image)) continue
      const createdAt = manifests.reduce((oldest, one) => Math.min(oldest, one.createdAt), now())
      ids.set(image, await ensureImage(tx, repository.id, image, createdAt))
    }
    const links = new Map<string, { imageId: number; digest: string }>()
    for (const { image, links: wanted } of taken) {
      for (const digest of wanted.keys()) {
        const imageId = ids.get(image)!
        if (usable.has(digest) && !gone.has(digest)) links.set(`${imageId} ${digest}`, { imageId, digest })
        else
          problems.push({
            kind: 'blob-missing',
            image,
            reference: digest,
            reason: 'it was being removed: import again',
          })
      }
    }
    await insertLinks(tx, [...links.values()], now(), leaseUntil)
    const newManifests = await insertManifests(
      tx,
      taken.flatMap(({ image, manifests }) => manifests.map((one) => manifestRow(one, ids.get(image)!))),
    )
    const newTags = await writeTags(tx, taken, ids, problems)
    await completing(
      tx,
      taken.filter(({ isLast }) => isLast).map(({ image }) => image),
    )
    return { newManifests, newTags, problems }
  }

  /** Notes or holds what shall be linked, and the files of manifests, so that those are freed once the manifest is deleted. */
  async function takeHold(tx: Queries, taken: ImagePart[], leaseUntil: number): Promise<Set<string>> {
    const wanted = new Map(taken.flatMap(({ links }) => [...links]))
    if (!inPlace) return holdBlobs(tx, repository.store, [...wanted.keys()], leaseUntil)
    for (const { digest, manifest, hasOwnFile } of taken.flatMap(({ manifests }) => manifests))
      if (hasOwnFile) wanted.set(digest, manifest.bytes.length)
    const blobs = [...wanted].map(([digest, size]) => ({ digest, size }))
    return noteBlobs(tx, repository.store, blobs, now(), leaseUntil)
  }

  async function writeTags(tx: Queries, taken: ImagePart[], ids: Map<string, number>, problems: Problem[]) {
    let written = 0
    for (const { image, tags } of taken) {
      if (tags.length === 0) continue
      const imageId = ids.get(image) ?? (await findImage(tx, repository.id, image))
      const digests = [...new Set(tags.map(({ digest }) => digest))]
      const present = imageId === undefined ? new Set<string>() : await findManifests(tx, imageId, digests)
      for (const { name, digest } of tags.filter((tag) => !present.has(tag.digest)))
        problems.push({
          kind: 'tag-dangling',
          image,
          reference: name,
          reason: `it points to ${digest}, which this image does not have`,
        })
      if (imageId === undefined) continue
      const alive = tags.filter((tag) => present.has(tag.digest))
      written += await insertTags(
        tx,
        alive.map((tag) => ({ imageId, ...tag })),
      )
    }
    return written
  }

  return {
    /** Takes a part; waits while too much is waiting already. */
    async add(part: ImagePart): Promise<void> {
      waiting.push(part)
      weight += 1 + part.manifests.length + part.tags.length
      if (weight >= batch) await flush()
    },
    /** Writes what is left. */
    finish: flush,
  }
}

function manifestRow({ digest, manifest, createdAt }: ImagePart['manifests'][number], imageId: number) {
  const { bytes, mediaType, artifactType, subject, annotations, references } = manifest
  return {
    row: {
      image_id: imageId,
      digest,
      media_type: mediaType,
      size: bytes.length,
      artifact_type: artifactType ?? null,
      subject: subject ?? null,
      annotations: annotations ? JSON.stringify(annotations) : null,
      created_at: createdAt,
      content: bytes,
    },
    references: references.map((reference) => reference.digest),
  }
}
