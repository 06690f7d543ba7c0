import type { Digest } from '../../../content/digest.ts'
import { AppError } from '../../../errors.ts'
import { offlineRepository, type Repository } from '../../../repositories/repositories.ts'
import { gatherReferences } from './group-gather.ts'
import type { GroupMemory } from './group-memory.ts'
import type { Source } from './group-walk.ts'
import type { ImageSink, ImageSource } from './image-source.ts'

interface SinkParts {
  group: Repository
  members: readonly (Source & { repository: Repository; isAskedFor(image: string): boolean })[]
  memory: GroupMemory
  /** The group as clients read it. */
  source: Pick<ImageSource, 'manifest' | 'blob'>
}

/** Pushes and deletes through a group: those of its writable member. */
export function createGroupSink({ group, members, memory, source }: SinkParts): ImageSink {
  const name = group.type === 'group' ? group.writableMember : undefined
  const writable = members.find((member) => member.name === name)

  function sinkFor(image: string): Source['images'] {
    if (!writable) {
      const fix = 'set writableMember of it to one of its hosted members, or use the name of a hosted repository'
      throw new AppError('policy-refused', `nothing can be pushed to or deleted from the group ${group.name}: ${fix}`)
    }
    if (writable.repository.offline !== undefined) throw offlineRepository(writable.repository)
    if (writable.isAskedFor(image)) return writable.images
    throw new AppError(
      'policy-refused',
      `${image} cannot be pushed through the group ${group.name}: its rules keep this image from the writable member ${writable.name}`,
    )
  }

  /** What is to be seen here and is not where deletions go: absence would be no true answer. */
  async function refuseElsewhere(image: string, isSeen: () => Promise<unknown> | unknown): Promise<false> {
    if (!(await isSeen())) return false
    throw new AppError(
      'policy-refused',
      `through the group ${group.name} only what is in ${writable?.name} can be deleted, and ${image} has this from another member: delete it there`,
    )
  }

  return {
    async startUpload(image, algorithm) {
      const upload = await sinkFor(image).startUpload(image, algorithm)
      memory.found(image, writable!.name)
      return upload
    },
    findUpload: async (image, id) => sinkFor(image).findUpload(image, id),
    appendUpload: (upload, chunk) => sinkFor(upload.place.image).appendUpload(upload, chunk),
    finishUpload: (upload, digest, chunk) => sinkFor(upload.place.image).finishUpload(upload, digest, chunk),
    cancelUpload: (upload) => sinkFor(upload.place.image).cancelUpload(upload),
    mountBlob: async (image, from, digest) => sinkFor(image).mountBlob(image, from, digest),
    async putManifest(image, manifest, digest, tags) {
      const sink = sinkFor(image)
      await gatherReferences({ image, manifest, sink, source, members })
      await sink.putManifest(image, manifest, digest, tags)
      memory.found(image, writable!.name)
    },
    async deleteManifest(image, digest) {
      if (await sinkFor(image).deleteManifest(image, digest)) return true
      return refuseElsewhere(image, () => source.manifest(image, { digest, tag: undefined }, { local: true }))
    },
    async deleteTag(image, tag) {
      if (await sinkFor(image).deleteTag(image, tag)) return true
      return refuseElsewhere(image, () => source.manifest(image, { tag, digest: undefined }, { local: true }))
    },
    async deleteBlob(image, digest: Digest) {
      if (await sinkFor(image).deleteBlob(image, digest)) return true
      return refuseElsewhere(image, () => source.blob(image, digest, { local: true }))
    },
  }
}
