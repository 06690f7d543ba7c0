import type { Blob } from '../../../content/blobs.ts'
import type { Digest, DigestAlgorithm } from '../../../content/digest.ts'
import type { Chunk, Upload } from '../../../content/uploads.ts'
import type { StoredManifest } from '../../../database/manifests.ts'
import type { ParsedManifest } from './manifest.ts'
import type { Reference } from './names.ts'

/** One page of a list sorted by byte value: what comes after `last`, at most `limit` entries. */
export interface Page {
  last: string
  limit: number
}

/** A descriptor in a referrers list: distribution-spec, "Listing Referrers". */
export interface Referrer {
  mediaType: string
  size: number
  digest: string
  artifactType?: string
  annotations?: Record<string, string>
}

export interface ReferrersPage {
  referrers: Referrer[]
  /** Whether there are more after the last one. */
  more: boolean
}

/** How far to look. */
export interface LookOptions {
  /** Only for what is here already: no upstream is asked. */
  local?: boolean
  /** With `local`: what is found goes to a client, so it was used, and is a hit of the cache. */
  served?: boolean
  /** Asked to know whether to push it: what cannot be found out is absent where it can be pushed. */
  toPush?: boolean
}

/** Pushed here, or kept of an upstream. */
export type HitKind = 'hosted' | 'cached'

/** An image that a search found. */
export interface Hit {
  name: string
  /** Name of the hosted or proxy repository whose image it is. */
  from: string
}

/** An image that the index of an upstream knows. */
export interface IndexHit extends Hit {
  /** The name that its repository keeps it under: `library/nginx` of `nginx`. */
  canonical: string
  /** One line, without control characters. */
  description: string
  stars: number
  official: boolean
  automated: boolean
}

/** Where images are read from: what the protocol knows of a repository, whatever its type. Absence is `undefined`. */
export interface ImageSource {
  manifest(
    image: string,
    reference: Reference,
    options?: LookOptions,
  ): StoredManifest | Promise<StoredManifest | undefined> | undefined
  /** `renew`: the client may rely on the blob being there for the time of a push. */
  blob(image: string, digest: Digest, options?: LookOptions & { renew?: boolean }): Promise<Blob | undefined>
  /** Undefined: there is no such image. */
  tags(image: string, page: Page): Promise<string[] | undefined>
  /** Manifests that name `subject`, whether that exists or not. With `artifactTypes`, only those of one of them. */
  referrers(image: string, subject: Digest, page: Page, artifactTypes: string[]): Promise<ReferrersPage>
  /** Names of images, for the catalog. */
  images(page: Page): Promise<string[]>
  /** Images (of one kind) whose names contain `term`, by name. No upstream is asked. */
  search(term: string, page: Page, kind?: HitKind): Promise<Hit[]>
  /** What the indexes of upstreams find, best first. An index in trouble finds nothing; that is logged and no error. */
  searchIndex(term: string): Promise<IndexHit[]>
}

/** The images of a repository, to read and to write. */
export type Images = ImageSource & ImageSink

/** Where images are written to. Everything durable once resolved. Throws `read-only` or `policy-refused` where the repository says so. */
export interface ImageSink {
  startUpload(image: string, algorithm: DigestAlgorithm): Promise<Upload>
  findUpload(image: string, id: string): Promise<Upload | undefined>
  appendUpload(upload: Upload, chunk: Chunk): Promise<number>
  finishUpload(upload: Upload, digest: Digest, chunk: Chunk): Promise<void>
  cancelUpload(upload: Upload): Promise<void>
  /** False: the source does not have the blob, or it cannot be shared; upload it instead. */
  mountBlob(image: string, from: { repository: number; store: string; image: string }, digest: Digest): Promise<boolean>
  /** Throws `manifest-reference-unknown` with all that is missing. */
  putManifest(image: string, manifest: ParsedManifest, digest: Digest, tags: string[]): Promise<void>
  /** False: there is no such manifest. Tags that point to it go with it. */
  deleteManifest(image: string, digest: Digest): Promise<boolean>
  deleteTag(image: string, tag: string): Promise<boolean>
  deleteBlob(image: string, digest: Digest): Promise<boolean>
}
