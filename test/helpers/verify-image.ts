import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { type Descriptor, digestOf, mediaTypes } from './oci.ts'
import type { RegistryClient } from './registry-client.ts'
import { expectStatus } from './registry-client.ts'

/** What a registry holds under a name. */
export interface Content {
  /** Of the manifest or index. */
  digest: string
  mediaType: string
  /** Digests of the configs: one, or one per platform in the index's order. They name the unpacked content of an image. */
  configs: string[]
}

interface AnyManifest {
  manifests?: Descriptor[]
  config?: Descriptor
  layers?: Descriptor[]
}

/**
 * Pulls an image or an index whole over plain HTTP and compares every byte: manifests and blobs with their digests and sizes, and layers,
 * unpacked, with what the config says they hold. Throws naming what is missing or wrong.
 */
export async function verifyContent(client: RegistryClient, image: string, reference: string): Promise<Content> {
  const manifest = await client.pullManifest(image, reference)
  if (!manifest) throw new Error(`${image}: ${reference} is absent`)
  const content = JSON.parse(new TextDecoder().decode(manifest.bytes)) as AnyManifest
  const { digest, mediaType } = manifest
  if (content.manifests) {
    const children = await Promise.all(content.manifests.map((child) => verifyContent(client, image, child.digest)))
    return { digest, mediaType, configs: children.flatMap(({ configs }) => configs) }
  }
  if (!content.config) throw new Error(`${image}: ${reference} has neither a config nor manifests`)
  const config = await pullBlob(client, image, content.config)
  const layers = await Promise.all((content.layers ?? []).map((layer) => pullBlob(client, image, layer)))
  const { rootfs } = JSON.parse(new TextDecoder().decode(config)) as { rootfs?: { diff_ids: string[] } }
  for (const [n, layer] of layers.entries()) {
    const unpacked = digestOf(unpack(layer, content.layers?.[n]?.mediaType ?? ''))
    if (rootfs && unpacked !== rootfs.diff_ids[n])
      throw new Error(`layer ${n} of ${image}:${reference} holds ${unpacked}, not ${rootfs.diff_ids[n]}`)
  }
  return { digest, mediaType, configs: [content.config.digest] }
}

async function pullBlob(client: RegistryClient, image: string, { digest, size }: Descriptor): Promise<Uint8Array> {
  const response = await expectStatus(await client.request('GET', `/v2/${image}/blobs/${digest}`), 200)
  const bytes = new Uint8Array(await response.arrayBuffer())
  if (bytes.length !== size) throw new Error(`blob ${digest} of ${image} has ${bytes.length} bytes, not ${size}`)
  if (digestOf(bytes) !== digest) throw new Error(`blob ${digest} of ${image} came as ${digestOf(bytes)}`)
  return bytes
}

function unpack(bytes: Uint8Array, mediaType: string): Uint8Array {
  if (mediaType.endsWith('zstd')) return zstdDecompressSync(bytes)
  return mediaType.endsWith('gzip') || mediaType === mediaTypes.dockerLayer ? gunzipSync(bytes) : bytes
}
