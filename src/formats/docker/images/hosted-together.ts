import type { Blob, Blobs } from '../../../content/blobs.ts'
import type { Digest } from '../../../content/digest.ts'
import { type FoundManifest, prepareFindManifestAmong } from '../../../database/among.ts'
import type { Database } from '../../../database/database.ts'
import { createManifestCache } from './manifest-cache.ts'
import type { Reference } from './names.ts'

/** Several hosted repositories as one: what a group asks before anything else. Every question is one query, or none. */
export interface HostedTogether {
  /** The manifest of the first repository that has it. Answers at once, without a promise, when it can. */
  manifest(
    repositories: HostedSet,
    image: string,
    reference: Reference,
  ): FoundManifest | Promise<FoundManifest | undefined> | undefined
  /** The blob of the first repository that has it; see `Blobs.find` for `renew`. */
  blob(repositories: HostedSet, image: string, digest: Digest, options: { renew?: boolean }): Promise<Blob | undefined>
}

/** Which repositories, in their order. */
export interface HostedSet {
  ids: readonly number[]
  /** The same as text: equal for equal sets. */
  key: string
}

export function hostedSet(ids: readonly number[]): HostedSet {
  return { ids, key: ids.join(',') }
}

export function createHostedTogether({ db, blobs }: { db: Database; blobs: Blobs }): HostedTogether {
  const find = prepareFindManifestAmong(db)
  const through = createManifestCache<FoundManifest>(db)
  return {
    manifest({ ids, key }, image, { digest, tag }) {
      if (ids.length === 0) return undefined
      return through(`${key} ${image} ${digest ?? tag}`, () =>
        digest === undefined ? find.byTag(ids, image, tag) : find.byDigest(ids, image, digest),
      )
    },
    blob: async ({ ids }, image, digest, options) =>
      ids.length === 0 ? undefined : blobs.findAmong(ids, image, digest, options),
  }
}
