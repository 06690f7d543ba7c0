import { createHash } from 'node:crypto'

/** Bytes with the name and size the protocol knows them by. */
export interface Blob {
  bytes: Buffer<ArrayBuffer>
  digest: string
}

export const manifestType = 'application/vnd.oci.image.manifest.v1+json'

/** What a client says it takes, as real ones do: docker-registry answers 404 to whoever does not name the type of an OCI manifest. */
export const acceptManifests = `${manifestType}, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json`

/** The image that holds many tags, the one whose blobs all others share, and the one with many manifests. */
export const taggedImage = 'bench/tagged'
export const seedImage = 'bench/seed'
export const referencedImage = 'bench/referenced'

/** References (one config and the layers) of each manifest of `referencedImage`. */
export const referencesPerManifest = 50

export function blobOf(content: string | Buffer): Blob {
  const bytes = Buffer.from(content)
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` }
}

/** A config that differs for each `seed`. */
export function configOf(seed: string): Blob {
  return blobOf(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] }, seed }))
}

/** An OCI image manifest. The same arguments give the same bytes. */
export function manifestOf(config: Blob, layers: readonly Blob[], annotations: Record<string, string> = {}): Blob {
  const descriptor = (blob: Blob, mediaType: string) => ({ mediaType, digest: blob.digest, size: blob.bytes.length })
  return blobOf(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: descriptor(config, 'application/vnd.oci.image.config.v1+json'),
      layers: layers.map((layer) => descriptor(layer, 'application/vnd.oci.image.layer.v1.tar+gzip')),
      annotations,
    }),
  )
}

/** `build-000042`: sorts as it counts. */
export function tagName(index: number): string {
  return `build-${String(index).padStart(6, '0')}`
}

/** A hundred images to a team, as `team-0003/app-0042`. */
export function imageName(index: number): string {
  const part = (value: number) => String(value).padStart(4, '0')
  return `team-${part(Math.floor(index / 100))}/app-${part(index % 100)}`
}

/** The blobs of `referencedImage`: first the config, then its layers. */
export function referencedBlobs(): Blob[] {
  return [configOf('referenced'), ...layersOf(referencesPerManifest - 1)]
}

function layersOf(count: number): Blob[] {
  return Array.from({ length: count }, (_, index) => blobOf(`layer ${index}`))
}
