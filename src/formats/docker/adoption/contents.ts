import { blobKey } from '../../../content/blob-store.ts'
import type { ContentParts } from '../../../content/content.ts'
import { algorithmOf, createHasher, type Digest } from '../../../content/digest.ts'
import type { Uploads } from '../../../content/uploads.ts'
import { holdBlobs } from '../../../database/adoption.ts'
import { AppError } from '../../../errors.ts'
import type { Repository } from '../../../repositories/repositories.ts'
import type { Key } from '../../../storage/driver.ts'
import { layerLink } from './layout.ts'
import type { Report } from './report.ts'
import { readLink, type Source } from './source.ts'

export interface ContentsOptions {
  parts: ContentParts & { uploads: Uploads }
  repository: Repository
  source: Source
  /** The source is the repository's own blob store: nothing is copied. */
  inPlace: boolean
  /** Hash also what is not copied. */
  verify: boolean
  report: Report
}

/** What became of one content: its bytes, or why it cannot be had. */
export type FoundContent = { size: number } | { problem: string; kind: 'blob-missing' | 'blob-damaged' }

export type Contents = ReturnType<typeof createContents>

/** Contents whose answer is remembered; images share most of their layers with others. */
const capacity = 200_000

/** Sees to it that contents are in the repository's blob store: looks where they are adopted in place, copies where not. */
export function createContents({ parts, repository, source, inPlace, verify, report }: ContentsOptions) {
  const { db, stores, now, graceMs, uploads } = parts
  const { driver } = stores(repository.store)
  const known = new Map<Digest, Promise<FoundContent>>()
  const counted = new Set<Digest>()

  /** Where the bytes lie: under their digest, or under that which a link of the image names. A digest other than sha256 is such an alias. */
  async function locate(image: string, digest: Digest): Promise<{ key: Key; size: number } | undefined> {
    const own = await source.stat(blobKey(digest))
    if (own) return own
    const target = await readLink(source, layerLink(image, digest))
    return target && target !== digest ? source.stat(blobKey(target)) : undefined
  }

  async function obtain(image: string, digest: Digest): Promise<FoundContent> {
    const found = await locate(image, digest)
    if (!found) return { kind: 'blob-missing', problem: 'its data is not there' }
    if (inPlace && found.key === blobKey(digest)) {
      if (verify && !(await matches(found.key, digest)))
        return { kind: 'blob-damaged', problem: 'its data has another digest' }
      return { size: found.size }
    }
    return copy(image, digest, found)
  }

  async function copy(image: string, digest: Digest, { key, size }: { key: Key; size: number }): Promise<FoundContent> {
    const held = await holdBlobs(db.queries, repository.store, [digest], now() + graceMs)
    if (held.has(digest) && (await driver.stat(blobKey(digest)))?.size === size) return { size }
    const bytes = await source.read(key)
    if (!bytes) return { kind: 'blob-missing', problem: 'its data is not there' }
    try {
      const upload = await uploads.start(
        { repositoryId: repository.id, image, store: repository.store },
        algorithmOf(digest),
      )
      await uploads.finish(upload, digest, { bytes })
      report.progress.copied++
      return { size }
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'digest-invalid') throw error
      return { kind: 'blob-damaged', problem: 'its data has another digest' }
    }
  }

  async function matches(key: Key, digest: Digest): Promise<boolean> {
    const hasher = createHasher(algorithmOf(digest))
    for await (const chunk of (await source.read(key)) ?? []) hasher.hash.update(chunk)
    return hasher.digest() === digest
  }

  return {
    /** The content, there at least until the grace time is over. `image`: where a link may say that it lies under another digest. */
    find(image: string, digest: Digest): Promise<FoundContent> {
      const before = known.get(digest)
      if (before) return before
      const finding = obtain(image, digest).then((found) => {
        // What is missing here may be linked elsewhere, under an alias of that image.
        if ('problem' in found) known.delete(digest)
        else count(digest, found.size)
        return found
      })
      if (known.size >= capacity) known.clear()
      known.set(digest, finding)
      return finding
    },
  }

  function count(digest: Digest, size: number): void {
    if (counted.has(digest)) return
    counted.add(digest)
    report.progress.blobs++
    report.progress.bytes += size
  }
}
