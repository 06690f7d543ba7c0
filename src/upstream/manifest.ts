import { algorithmOf, type Digest, digestOf, isDigest } from '../content/digest.ts'
import { discard, readWhole } from './body.ts'
import type { Answer } from './exchange.ts'
import { failure } from './failures.ts'

/** A manifest as the upstream has it. */
export interface UpstreamManifest {
  status: 'found'
  mediaType: string
  digest: Digest
  /** The exact document; undefined when only its existence was asked for. */
  bytes: Uint8Array | undefined
  /** Bytes. Undefined when a HEAD did not tell. */
  size: number | undefined
}

export interface ManifestOptions {
  /** Media types. Default: OCI's and Docker's, indexes too. */
  accept?: readonly string[] | undefined
  /** HEAD finds out whether a tag moved, without counting as a pull at Docker Hub. Default GET. */
  method?: 'GET' | 'HEAD' | undefined
  /** The digest that is known already. */
  ifNoneMatch?: Digest | undefined
  signal?: AbortSignal | undefined
}

/** What pulling clients ask for. */
export const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]

const maxBytes = 4 << 20

/** Undefined when the headers do not tell the digest, which some servers only do for GET. */
export async function manifestOfHead(
  answer: Answer,
  reference: string,
  idleMs: number,
): Promise<UpstreamManifest | undefined> {
  await discard(answer, idleMs)
  const digest = isDigest(reference) ? reference : claimedDigest(answer)
  const mediaType = mediaTypeOf(answer)
  if (digest === undefined || mediaType === undefined) return undefined
  const length = answer.headers.get('content-length')
  return { status: 'found', mediaType, digest, bytes: undefined, size: length === null ? undefined : Number(length) }
}

/** Reads and checks a manifest. Throws `upstream-failed` when the bytes are not what was asked for, or not what the headers say. */
export async function manifestOfGet(answer: Answer, reference: string, idleMs: number): Promise<UpstreamManifest> {
  const { place } = answer
  const bytes = await readWhole(answer, idleMs, maxBytes)
  const claimed = isDigest(reference) ? reference : claimedDigest(answer)
  const digest = digestOf(bytes, claimed && algorithmOf(claimed))
  if (claimed !== undefined && claimed !== digest) {
    throw failure('upstream-failed', place, `${place.host} sent other bytes than those of ${claimed}`, {
      detail: { digest: claimed, got: digest },
    })
  }
  return { status: 'found', mediaType: mediaTypeOf(answer) ?? 'application/json', digest, bytes, size: bytes.length }
}

function claimedDigest({ headers }: Answer): Digest | undefined {
  const digest = headers.get('docker-content-digest') ?? ''
  return isDigest(digest) ? digest : undefined
}

function mediaTypeOf({ headers }: Answer): string | undefined {
  return headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() || undefined
}
