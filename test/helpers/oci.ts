import { createHash } from 'node:crypto'
import { noise } from './noise.ts'

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  empty: 'application/vnd.oci.empty.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const

export type Bytes = Uint8Array<ArrayBuffer>

/** What a manifest says about a blob or another manifest. */
export interface Descriptor {
  mediaType: string
  digest: string
  /** Bytes. */
  size: number
  artifactType?: string
  annotations?: Record<string, string>
  platform?: { os: string; architecture: string; variant?: string }
}

/** Bytes with their digest. */
export interface Blob {
  readonly bytes: Bytes
  readonly digest: string
}

/** A manifest or an index, as it goes over the wire. */
export interface Manifest extends Blob {
  readonly mediaType: string
}

/** An image or artifact: a manifest and the blobs it names. */
export interface Image {
  readonly manifest: Manifest
  readonly config: Blob
  readonly layers: Blob[]
}

/** `sha256:...` or `sha512:...` of the bytes. */
export function digestOf(bytes: Uint8Array, algorithm: 'sha256' | 'sha512' = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}

/** A blob of the given bytes. */
export function blobOf(bytes: Uint8Array | string, algorithm: 'sha256' | 'sha512' = 'sha256'): Blob {
  const own = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : new Uint8Array(bytes)
  return { bytes: own, digest: digestOf(own, algorithm) }
}

/** A blob of noise: the same bytes in every run for the same seed. */
export function noiseBlob(seed: string | number, size: number): Blob {
  return blobOf(noise(seed, size).bytes())
}

/** A manifest of any kind, serialised once. `mediaType` is what the content says of itself. */
export function manifestOf(content: { mediaType: string } & Record<string, unknown>): Manifest {
  return { ...blobOf(JSON.stringify(content)), mediaType: content.mediaType }
}

/** Describes a blob or a manifest. */
export function descriptorOf(
  what: Blob | Manifest,
  mediaType = 'mediaType' in what ? what.mediaType : mediaTypes.layer,
): Descriptor {
  return { mediaType, digest: what.digest, size: what.bytes.length }
}

export interface ImageOptions {
  /** Blobs to use as layers; or how many layers of noise, default 2. */
  layers?: Blob[] | number
  /** Of each layer of noise, bytes. Default 1,000. */
  layerSize?: number
  annotations?: Record<string, string>
  subject?: Descriptor
  artifactType?: string
  config?: Blob
}

/**
 * An image for protocol tests: real digests, but layers of noise that no client could unpack (see images.ts for those).
 * The same `seed` and options give the same image.
 */
export function makeImage(seed: string | number, options: ImageOptions = {}): Image {
  const { layers = 2, layerSize = 1000, annotations, subject, artifactType } = options
  const blobs = Array.isArray(layers)
    ? layers
    : Array.from({ length: layers }, (_, n) => noiseBlob(`${seed} ${n}`, layerSize))
  const config =
    options.config ??
    blobOf(
      JSON.stringify({
        os: 'linux',
        architecture: 'amd64',
        rootfs: { type: 'layers', diff_ids: blobs.map(({ digest }) => digest) },
        config: { Labels: { seed: `${seed}` } },
      }),
    )
  const manifest = manifestOf({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    ...(artifactType ? { artifactType } : {}),
    config: descriptorOf(config, mediaTypes.config),
    layers: blobs.map((blob) => descriptorOf(blob, mediaTypes.layer)),
    ...(subject ? { subject } : {}),
    ...(annotations ? { annotations } : {}),
  })
  return { manifest, config, layers: blobs }
}

/** An index over manifests, in the order given. */
export function makeIndex(children: Descriptor[], extra: Record<string, unknown> = {}): Manifest {
  return manifestOf({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: children, ...extra })
}
