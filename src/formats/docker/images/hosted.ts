import type { Blobs } from '../../../content/blobs.ts'
import type { ContentParts, Place } from '../../../content/content.ts'
import type { Uploads } from '../../../content/uploads.ts'
import { findImage, holdImage, prepareListImages, searchImages } from '../../../database/images.ts'
import { deleteManifest, findManifests, listReferrers } from '../../../database/manifests.ts'
import { deleteTag, deleteTagsOf, prepareListTags } from '../../../database/tags.ts'
import { AppError } from '../../../errors.ts'
import { quotaOf } from '../../../repositories/quota.ts'
import type { Repository } from '../../../repositories/repositories.ts'
import type { Images } from './image-source.ts'
import { createManifestFinder } from './manifest-cache.ts'
import { storeManifest } from './put-manifest.ts'
import { fallbackTag, fromFallbackIndex, fromRow, mergeReferrers } from './referrers.ts'

export interface HostedOptions {
  /** `storage.maintenance.readonly`: nothing may be changed. */
  readOnly: boolean
  /** `storage.delete`: whether anything may be deleted. */
  deletable: boolean
  /** `validation.disabled`: accept manifests whose content is not there. */
  sparse: boolean
}

/** Makes the images of hosted repositories: their content is in our own stores, their manifests and tags in the database. */
export function createHostedImages(parts: ContentParts & { blobs: Blobs; uploads: Uploads }, options: HostedOptions) {
  const { db, now, graceMs, blobs, uploads } = parts
  const findManifest = createManifestFinder(db)
  const listTags = prepareListTags(db)
  const listImages = prepareListImages(db)

  return function hostedImages(repository: Repository): Images {
    const quota = quotaOf(repository)
    const placeOf = (image: string): Place => ({ repositoryId: repository.id, image, store: repository.store })

    function checkWritable(): void {
      if (options.readOnly)
        throw new AppError('read-only', 'this registry is in read-only maintenance: try again later')
      if (repository.writePolicy === 'read-only') {
        throw new AppError('read-only', `repository ${repository.name} is read-only`)
      }
    }

    function checkDeletable(): void {
      checkWritable()
      if (options.deletable) return
      throw new AppError('method-unsupported', 'deleting is switched off (storage.delete.enabled: false)')
    }

    return {
      manifest: (image, reference) => findManifest(repository.id, image, reference),
      blob: (image, digest, findOptions) => blobs.find(placeOf(image), digest, findOptions),
      tags: (image, { last, limit }) => listTags(repository.id, image, last, limit),
      images: ({ last, limit }) => listImages(repository.id, last, limit),
      async search(term, page, kind) {
        if (kind === 'cached') return []
        const names = await searchImages(db.queries, repository.id, term, page)
        return names.map((name) => ({ name, from: repository.name }))
      },
      searchIndex: async () => [],

      async referrers(image, subject, page, artifactTypes) {
        const scope = { repositoryId: repository.id, image, subject, artifactTypes }
        const rows = await listReferrers(db.queries, scope, page.last, page.limit + 1)
        const fallback = await findManifest(repository.id, image, { tag: fallbackTag(subject) })
        const listed = fallback ? fromFallbackIndex(fallback.content) : []
        const imageId = listed.length > 0 ? await findImage(db.queries, repository.id, image) : undefined
        const present =
          imageId === undefined
            ? new Set()
            : await findManifests(
                db.queries,
                imageId,
                listed.map(({ digest }) => digest),
              )
        const alive = listed.filter(({ digest }) => present.has(digest))
        return mergeReferrers(rows.map(fromRow), alive, page, artifactTypes)
      },

      async startUpload(image, algorithm) {
        checkWritable()
        await quota?.checkRoom(db.queries)
        return uploads.start(placeOf(image), algorithm)
      },
      findUpload: (image, id) => uploads.find(placeOf(image), id),
      async appendUpload(upload, chunk) {
        checkWritable()
        return uploads.append(upload, chunk)
      },
      async finishUpload(upload, digest, chunk) {
        checkWritable()
        await uploads.finish(upload, digest, chunk, quota?.admitBlob)
      },
      async cancelUpload(upload) {
        checkWritable()
        await uploads.cancel(upload)
      },
      async mountBlob(image, from, digest) {
        checkWritable()
        return blobs.mount({ repositoryId: from.repository, ...from }, placeOf(image), digest, quota?.admitBlob)
      },

      async putManifest(image, manifest, digest, tags) {
        checkWritable()
        await storeManifest(parts, { repository, quota, image, manifest, digest, tags, sparse: options.sparse })
      },

      async deleteManifest(image, digest) {
        checkDeletable()
        return db.transaction(async (tx) => {
          const imageId = await holdImage(tx, repository.id, image)
          if (imageId === undefined) return false
          await deleteTagsOf(tx, imageId, digest, now())
          return deleteManifest(tx, { imageId, digest, store: repository.store }, now() + graceMs)
        })
      },

      async deleteTag(image, tag) {
        checkDeletable()
        return db.transaction(async (tx) => {
          const imageId = await holdImage(tx, repository.id, image)
          return imageId !== undefined && deleteTag(tx, imageId, tag, now())
        })
      },

      async deleteBlob(image, digest) {
        checkDeletable()
        return blobs.remove(placeOf(image), digest)
      },
    }
  }
}

export type HostedImages = ReturnType<typeof createHostedImages>
