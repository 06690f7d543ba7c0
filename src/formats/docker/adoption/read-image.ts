import type { Digest } from '../../../content/digest.ts'
import type { ObjectInfo } from '../../../storage/driver.ts'
import type { ManifestReference } from '../images/manifest.ts'
import { mapBounded } from './bounded.ts'
import type { Contents } from './contents.ts'
import { layerLink, manifestsPrefix, parseManifestPath, revisionLink } from './layout.ts'
import { listLinks } from './list-links.ts'
import { type FoundManifest, readManifest } from './read-manifest.ts'
import { createTagFiles, type FoundTag, readTag } from './read-tags.ts'
import type { Report } from './report.ts'
import type { Source } from './source.ts'

/** A part of an image that belongs into one transaction. */
export interface ImagePart {
  image: string
  manifests: FoundManifest[]
  /** Contents to link to the image, all of them in the store, with their sizes. */
  links: Map<Digest, number>
  tags: FoundTag[]
  /** Nothing of the image comes after this. */
  isLast: boolean
}

/** How many files are read at once for one image. */
const atOnce = 16

/** Reads an image part by part, manifests before tags. What cannot be adopted goes to the report and stops nothing. */
export async function* readImage(
  image: string,
  { source, contents, report, batch }: { source: Source; contents: Contents; report: Report; batch: number },
): AsyncGenerator<ImagePart> {
  const prefix = manifestsPrefix(image)
  const tagFiles = createTagFiles()
  let waiting: { digest: string; link: ObjectInfo }[] = []

  async function readWaiting(): Promise<ImagePart> {
    const results = await mapBounded(waiting, atOnce, ({ digest, link }) =>
      readManifest(source, digest, link).catch((error) => report.trouble(image, digest, error)),
    )
    const manifests: FoundManifest[] = []
    for (const result of results) {
      if (result && 'manifest' in result) manifests.push(result)
      else if (result) report.problem({ image, ...result })
    }
    const references = new Map(
      manifests.flatMap(({ digest, manifest }) =>
        manifest.references.map((one) => [`${one.digest} ${one.size}`, { of: digest, ...one }]),
      ),
    )
    const links = new Map<Digest, number>()
    await mapBounded([...references.values()], atOnce, async (reference) => {
      const size = await linkable(reference).catch((error) => report.trouble(image, reference.digest, error))
      if (size !== undefined) links.set(reference.digest, size)
    })
    report.progress.manifests += manifests.length
    waiting = []
    return { image, manifests, links, tags: [], isLast: false }
  }

  /** The size of a referenced content that shall be linked. Undefined: it is a manifest itself, lives elsewhere, or is reported. */
  async function linkable({ of, digest, size, kind }: ManifestReference & { of: Digest }): Promise<number | undefined> {
    const isChild = kind === 'any' && (await source.stat(revisionLink(image, digest))) !== undefined
    if (isChild) return undefined
    // An index may name anything and a foreign layer need not be here: only what the image was given counts.
    const needsLink = kind !== 'blob'
    const isThere = !needsLink || (await source.stat(layerLink(image, digest))) !== undefined
    if (!isThere && kind === 'foreign') return undefined
    if (!isThere) {
      report.problem({
        kind: 'child-missing',
        image,
        reference: digest,
        reason: `manifest ${of} lists it, but the image does not have it`,
      })
      return undefined
    }
    const found = await contents.find(image, digest)
    if ('problem' in found) {
      report.problem({
        kind: found.kind,
        image,
        reference: digest,
        reason: `manifest ${of} needs it: ${found.problem}`,
      })
      return undefined
    }
    if (found.size === size) return found.size
    const reason = `manifest ${of} needs it with ${size} bytes: its data has ${found.size}`
    report.problem({ kind: 'blob-damaged', image, reference: digest, reason })
    return undefined
  }

  for await (const file of listLinks(source, image)) {
    const entry = parseManifestPath(file.key.slice(prefix.length))
    if (!entry) continue
    if (entry.kind !== 'revision') {
      tagFiles.add(entry, file)
      continue
    }
    waiting.push({ digest: entry.digest, link: file })
    if (waiting.length >= batch) yield readWaiting()
  }
  yield readWaiting()

  const files = tagFiles.all()
  for (let start = 0; start < files.length; start += tagBatch) {
    const results = await mapBounded(files.slice(start, start + tagBatch), atOnce, (one) =>
      readTag(source, one).catch((error) => report.trouble(image, one.name, error)),
    )
    const tags: FoundTag[] = []
    for (const result of results) {
      if (result && 'name' in result) tags.push(result)
      else if (result) report.problem({ image, ...result })
    }
    yield { image, manifests: [], links: new Map(), tags, isLast: false }
  }
  yield { image, manifests: [], links: new Map(), tags: [], isLast: true }
}

const tagBatch = 1000
