import { algorithmOf, type Digest } from '../../../content/digest.ts'
import type { Repository } from '../../../repositories/repositories.ts'
import type { Source } from './group-walk.ts'
import type { ImageSource, Images } from './image-source.ts'
import { type ManifestReference, type ParsedManifest, parseManifest } from './manifest.ts'
import { placeIn } from './places.ts'

/** An index of indexes of images, and what hangs below one more; nobody nests deeper. */
const deepest = 3

interface Gathering {
  image: string
  manifest: ParsedManifest
  /** The writable member. */
  sink: Images
  /** The group as the client reads it. */
  source: Pick<ImageSource, 'manifest' | 'blob'>
  members: readonly (Source & { repository: Repository; isAskedFor(image: string): boolean })[]
}

/**
 * Brings what a manifest references into the writable member, as far as another member has it under the same image: a client that was told that
 * something exists does not upload it. In the same blob store that is a link, otherwise a copy. What nobody has stays missing, which is for
 * the sink to tell.
 */
export async function gatherReferences({ manifest, ...parts }: Gathering, depth = 0): Promise<void> {
  for (const { digest, kind } of manifest.references) {
    if (kind === 'foreign' || (await isThere(parts, digest, kind))) continue
    if (kind === 'any' && (await gatherManifest(parts, digest, depth))) continue
    await gatherBlob(parts, digest)
  }
}

type Parts = Omit<Gathering, 'manifest'>

async function isThere({ image, sink }: Parts, digest: Digest, kind: ManifestReference['kind']): Promise<boolean> {
  if (await sink.blob(image, digest)) return true
  return kind === 'any' && (await sink.manifest(image, { digest, tag: undefined })) !== undefined
}

async function gatherManifest(parts: Parts, digest: Digest, depth: number): Promise<boolean> {
  const { image, sink, source } = parts
  const found = depth < deepest ? await source.manifest(image, { digest, tag: undefined }) : undefined
  if (!found) return false
  const manifest = parseManifest(found.content, found.mediaType)
  await gatherReferences({ ...parts, manifest }, depth + 1)
  await sink.putManifest(image, manifest, digest, [])
  return true
}

async function gatherBlob({ image, sink, source, members }: Parts, digest: Digest): Promise<void> {
  for (const { repository, isAskedFor } of members) {
    if (repository.type === 'group' || !isAskedFor(image)) continue
    const { repositoryId, ...place } = placeIn(repository, image)
    if (await sink.mountBlob(image, { repository: repositoryId, ...place }, digest)) return
  }
  const blob = await source.blob(image, digest)
  if (!blob) return
  const upload = await sink.startUpload(image, algorithmOf(digest))
  try {
    await sink.finishUpload(upload, digest, { bytes: await blob.read() })
  } catch (error) {
    // Nobody else knows of this upload. Should this fail too, it is purged later.
    await sink.cancelUpload(upload).catch(() => undefined)
    throw error
  }
}
