import type { ContentParts } from '../../../content/content.ts'
import type { Digest } from '../../../content/digest.ts'
import type { Queries } from '../../../database/database.ts'
import { ensureImage } from '../../../database/images.ts'
import { startUse } from '../../../database/manifest-uses.ts'
import { findManifests, holdLinks, insertManifest } from '../../../database/manifests.ts'
import { findTags, putTag } from '../../../database/tags.ts'
import { AppError } from '../../../errors.ts'
import type { QuotaGuard } from '../../../repositories/quota.ts'
import type { Repository } from '../../../repositories/repositories.ts'
import { isTagAmong } from '../../../repositories/tag-pattern.ts'
import type { ManifestReference, ParsedManifest } from './manifest.ts'

export interface PutManifest {
  repository: Repository
  /** Of the repository, where it has one. */
  quota?: QuotaGuard | undefined
  image: string
  manifest: ParsedManifest
  digest: Digest
  tags: string[]
  /** Do not ask whether what it references is there. */
  sparse: boolean
  /** When the upstream was asked where the tags point: proxies only. Milliseconds since 1970. */
  checkedAt?: number
}

/** Stores a manifest and its tags in one transaction: either all of it can be pulled afterwards, or nothing has changed. */
export function storeManifest(
  { db, now, graceMs }: ContentParts,
  { repository, quota, image, manifest, digest, tags, sparse, checkedAt }: PutManifest,
): Promise<void> {
  return db.transaction(async (tx) => {
    const imageId = await ensureImage(tx, repository.id, image, now(), { hold: true })
    await checkPolicy(tx, repository, imageId, tags, digest)
    if (quota) {
      const newTags = tags.length - (await findTags(tx, imageId, tags)).size
      await quota.admitManifest(tx, { digest, size: manifest.bytes.length, newTags })
    }
    const missing = await missingReferences(tx, imageId, manifest.references, now() + graceMs)
    if (missing.length > 0 && !sparse) {
      throw new AppError(
        'manifest-reference-unknown',
        'the manifest references content that was not pushed to this image',
        {
          detail: missing.map((reference) => ({ digest: reference })),
        },
      )
    }
    await insertManifest(
      tx,
      {
        image_id: imageId,
        digest,
        media_type: manifest.mediaType,
        size: manifest.bytes.length,
        artifact_type: manifest.artifactType ?? null,
        subject: manifest.subject ?? null,
        annotations: manifest.annotations ? JSON.stringify(manifest.annotations) : null,
        created_at: now(),
        content: manifest.bytes,
      },
      manifest.references.map((reference) => reference.digest),
    )
    if (checkedAt !== undefined) await startUse(tx, { imageId, digest, repositoryId: repository.id }, now())
    for (const tag of tags) await putTag(tx, imageId, tag, digest, now(), checkedAt)
  })
}

async function checkPolicy(tx: Queries, repository: Repository, imageId: number, tags: string[], digest: Digest) {
  if (repository.writePolicy !== 'allow-once') return
  const { mutableTags = [] } = repository
  const bound = tags.filter((tag) => !isTagAmong(mutableTags, tag))
  const existing = await findTags(tx, imageId, bound)
  const taken = bound.find((tag) => (existing.get(tag) ?? digest) !== digest)
  if (taken === undefined) return
  throw new AppError(
    'policy-refused',
    `tag ${taken} exists and repository ${repository.name} allows each tag to be pushed once`,
    {
      detail: { tag: taken, digest: existing.get(taken) },
    },
  )
}

/** Also renews the leases of what is there: see `holdLinks`. */
async function missingReferences(
  tx: Queries,
  imageId: number,
  references: ManifestReference[],
  leaseUntil: number,
): Promise<Digest[]> {
  const digests = [...new Set(references.map(({ digest }) => digest))]
  const linked = await holdLinks(tx, imageId, digests, leaseUntil)
  const unlinked = references.filter(({ kind, digest }) => kind !== 'foreign' && !linked.has(digest))
  const children = unlinked.filter(({ kind }) => kind === 'any').map(({ digest }) => digest)
  const manifests = await findManifests(tx, imageId, children)
  const missing = unlinked.filter(({ kind, digest }) => kind === 'blob' || !manifests.has(digest))
  return [...new Set(missing.map(({ digest }) => digest))]
}
