import { type Digest, type DigestAlgorithm, digestOf, isDigest } from '../../../content/digest.ts'
import { AppError } from '../../../errors.ts'

export const mediaTypes = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const

/** What a manifest points to and needs to be there. */
export interface ManifestReference {
  digest: Digest
  /** Bytes, as the descriptor says. */
  size: number
  /** `blob`: a config or layer. `any`: a child of an index, which may be a manifest or (build caches) a blob. `foreign`: a layer that lives elsewhere. */
  kind: 'blob' | 'any' | 'foreign'
}

/** A manifest whose form was checked; its bytes are kept as they came. */
export interface ParsedManifest {
  bytes: Uint8Array
  mediaType: string
  references: ManifestReference[]
  subject: Digest | undefined
  /** What the referrers list says of it: distribution-spec, "Listing Referrers". */
  artifactType: string | undefined
  annotations: Record<string, string> | undefined
}

type Json = Record<string, unknown>

/**
 * Reads a manifest of any of the Docker and OCI kinds. `contentType` is the header as it came.
 * Throws `manifest-invalid` with the place in the document, `digest-invalid` for a digest that is none.
 */
export function parseManifest(bytes: Uint8Array, contentType: string | null): ParsedManifest {
  const document = parseJson(bytes)
  const declared = contentType?.split(';')[0]?.trim() || undefined
  const mediaType = chooseMediaType(document, declared)
  checkKind(document, mediaType.toLowerCase())
  const config = optionalObject(document, 'config')
  const artifactType =
    optionalString(document, 'artifactType') || (config ? optionalString(config, 'mediaType', 'config.') : undefined)
  if (artifactType?.includes('\0')) throw invalid('artifactType is not a media type')
  const subject = optionalObject(document, 'subject')
  return {
    bytes,
    mediaType,
    references: [
      ...(config ? [reference(config, 'config', 'blob')] : []),
      ...list(document, 'layers').map((layer, i) =>
        reference(layer, `layers[${i}]`, isForeign(layer) ? 'foreign' : 'blob'),
      ),
      ...list(document, 'blobs').map((blob, i) => reference(blob, `blobs[${i}]`, 'blob')),
      ...list(document, 'manifests').map((child, i) => reference(child, `manifests[${i}]`, 'any')),
    ],
    subject: subject ? reference(subject, 'subject', 'any').digest : undefined,
    artifactType: artifactType || undefined,
    annotations: annotationsOf(document),
  }
}

/** The digest of the manifest in a given algorithm. */
export function manifestDigest(manifest: ParsedManifest, algorithm: DigestAlgorithm): Digest {
  return digestOf(manifest.bytes, algorithm)
}

function parseJson(bytes: Uint8Array): Json {
  let value: unknown
  try {
    // A byte order mark stays, and is refused: no client could read the manifest it is part of.
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    throw invalid('a manifest is a JSON document in UTF-8', cause)
  }
  if (isObject(value)) return value
  throw invalid('a manifest is a JSON object')
}

/** RFC 6838, 4.2. It becomes a header of the answer, where hardly another character is possible. */
const mediaTypePattern = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i

/** The header and the document must agree; either alone is enough, and old OCI manifests carry none inside. */
function chooseMediaType(document: Json, declared: string | undefined): string {
  const inside = optionalString(document, 'mediaType') || undefined
  for (const type of [declared, inside]) {
    if (type !== undefined && !mediaTypePattern.test(type)) throw invalid(`"${type.slice(0, 200)}" is not a media type`)
  }
  const generic = declared === undefined || /^application\/(?:json|octet-stream)$/i.test(declared)
  if (inside && !generic && inside.toLowerCase() !== declared.toLowerCase()) {
    throw invalid(`Content-Type says ${declared}, but mediaType inside says ${inside}`)
  }
  if (!generic) return declared
  if (inside) return inside
  if ('manifests' in document) return mediaTypes.ociIndex
  if ('config' in document || 'layers' in document) return mediaTypes.ociManifest
  throw invalid('it is not clear what kind of manifest this is: send its media type as Content-Type')
}

const imageTypes = new Set<string>([mediaTypes.ociManifest, mediaTypes.dockerManifest])
const indexTypes = new Set<string>([mediaTypes.ociIndex, mediaTypes.dockerList])

/**
 * A document that is an image to one reader and an index to another could pass a check as the one and run as the other (CVE-2021-41190),
 * so it is neither here.
 */
function checkKind(document: Json, mediaType: string): void {
  if (document['schemaVersion'] === 1 || mediaType.startsWith('application/vnd.docker.distribution.manifest.v1')) {
    throw invalid('manifest schema v1 is not supported: push with Docker 1.10 or newer')
  }
  if (imageTypes.has(mediaType) && 'manifests' in document) throw invalid('an image manifest has no list of manifests')
  if (indexTypes.has(mediaType) && ('layers' in document || 'config' in document)) {
    throw invalid('an index has neither config nor layers')
  }
}

function reference(descriptor: Json, place: string, kind: ManifestReference['kind']): ManifestReference {
  const { digest, size } = descriptor
  if (typeof digest !== 'string') throw invalid(`${place}.digest is missing`)
  if (!isDigest(digest)) throw new AppError('digest-invalid', `${place}.digest is not a digest`, { detail: { digest } })
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw invalid(`${place}.size must be a whole number of bytes`)
  }
  return { digest, size, kind }
}

/** Image-spec, layer.md, "Non-Distributable Layers": clients fetch these from their `urls`, registries need not have them. */
function isForeign({ mediaType, urls }: Json): boolean {
  return (Array.isArray(urls) && urls.length > 0) || /\.foreign\.|\.nondistributable\./.test(String(mediaType))
}

function annotationsOf(document: Json): Record<string, string> | undefined {
  const annotations = optionalObject(document, 'annotations')
  if (!annotations) return undefined
  const wrong = Object.keys(annotations).find((key) => typeof annotations[key] !== 'string')
  if (wrong !== undefined) throw invalid(`annotations: the value of "${wrong}" must be a text`)
  return annotations as Record<string, string>
}

function list(document: Json, field: string): Json[] {
  const value = document[field]
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every(isObject)) return value
  throw invalid(`${field} must be a list of descriptors`)
}

function optionalObject(document: Json, field: string): Json | undefined {
  const value = document[field]
  if (value === undefined || value === null) return undefined
  if (isObject(value)) return value
  throw invalid(`${field} must be an object`)
}

function optionalString(document: Json, field: string, prefix = ''): string | undefined {
  const value = document[field]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  throw invalid(`${prefix}${field} must be a text`)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(message: string, cause?: unknown): AppError {
  return new AppError('manifest-invalid', message, { cause })
}
