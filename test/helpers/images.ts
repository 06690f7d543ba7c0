import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import {
  type Blob,
  blobOf,
  type Descriptor,
  descriptorOf,
  digestOf,
  type Image,
  type Manifest,
  makeIndex,
  manifestOf,
  mediaTypes,
} from './oci.ts'
import { type TarEntry, tarOf } from './tar.ts'

/** An image that real clients unpack. */
export interface ClientImage extends Image {
  /** The layers before compression, as the config's `rootfs` counts them. */
  readonly archives: Blob[]
}

export interface ClientImageOptions {
  /** One layer per list of files. */
  layers: TarEntry[][]
  architecture?: string
  variant?: string
  compression?: 'gzip' | 'zstd' | 'none'
  /** `oci` (default) or docker's schema 2. */
  format?: 'oci' | 'docker'
}

const layerTypes = { gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd, none: mediaTypes.layer }

/** Builds an image from files. The same options give the same image. */
export async function buildImage(options: ClientImageOptions): Promise<ClientImage> {
  const { architecture = 'amd64', variant, compression = 'gzip', format = 'oci' } = options
  const archives = await Promise.all(options.layers.map(async (files) => blobOf(await tarOf(files))))
  const layers = archives.map(({ bytes }) => blobOf(compress(bytes, compression)))
  const config = blobOf(
    JSON.stringify({
      created: '2024-01-01T00:00:00Z',
      os: 'linux',
      architecture,
      ...(variant ? { variant } : {}),
      config: { Cmd: ['/hello'], Labels: { 'org.example.purpose': 'test' } },
      rootfs: { type: 'layers', diff_ids: archives.map(({ digest }) => digest) },
      history: archives.map(() => ({ created: '2024-01-01T00:00:00Z', created_by: 'test' })),
    }),
  )
  const docker = format === 'docker'
  const manifest = manifestOf({
    schemaVersion: 2,
    mediaType: docker ? mediaTypes.dockerManifest : mediaTypes.manifest,
    config: descriptorOf(config, docker ? mediaTypes.dockerConfig : mediaTypes.config),
    layers: layers.map((layer) => descriptorOf(layer, docker ? mediaTypes.dockerLayer : layerTypes[compression])),
  })
  return { manifest, config, layers, archives }
}

function compress(bytes: Uint8Array, compression: 'gzip' | 'zstd' | 'none'): Uint8Array {
  if (compression === 'gzip') return gzipSync(bytes, { level: 6 })
  return compression === 'zstd' ? zstdCompressSync(bytes) : bytes
}

/** The images that every client is tried with. */
export interface Samples {
  /** Two layers, one of 300 kB of noise. */
  two: ClientImage
  /** Other layers, zstd. */
  zstd: ClientImage
  /** As `two`, in docker's schema 2. */
  docker: ClientImage
  /** Index of three platforms, the first of them `two`. */
  multi: { index: Manifest; images: ClientImage[] }
}

const base: TarEntry[] = [{ name: 'etc/' }, { name: 'etc/hello', content: 'hello\n' }]
const bulk: TarEntry[] = [{ name: 'usr/' }, { name: 'usr/noise', content: { noise: 300_000 } }]

/** Builds them; about 50 ms. */
export async function buildSamples(): Promise<Samples> {
  const two = await buildImage({ layers: [base, bulk] })
  const zstd = await buildImage({ layers: [base, [{ name: 'zstd', content: { noise: 50_000 } }]], compression: 'zstd' })
  const docker = await buildImage({ layers: [base, bulk], format: 'docker' })
  const arm = (variant: string, architecture: string) =>
    buildImage({ layers: [base, [{ name: 'etc/variant', content: variant }]], architecture, variant })
  const images = [two, await arm('v8', 'arm64'), await arm('v7', 'arm')]
  const index = makeIndex(images.map((image) => ({ ...descriptorOf(image.manifest), platform: platformOf(image) })))
  return { two, zstd, docker, multi: { index, images } }
}

function platformOf(image: ClientImage): NonNullable<Descriptor['platform']> {
  const { os, architecture, variant } = JSON.parse(new TextDecoder().decode(image.config.bytes))
  return { os, architecture, ...(variant ? { variant } : {}) }
}

/** Writes an OCI layout (image-spec, image-layout.md) whose index names each manifest by its tag. */
export function writeLayout(folder: string, tagged: Record<string, Manifest>, blobs: Blob[]): void {
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true })
  for (const blob of [...Object.values(tagged), ...blobs]) {
    if (digestOf(blob.bytes) !== blob.digest) throw new Error(`${blob.digest} is not the digest of its bytes`)
    writeFileSync(join(folder, 'blobs', blob.digest.replace(':', '/')), blob.bytes)
  }
  const manifests = Object.entries(tagged).map(([tag, manifest]) => ({
    ...descriptorOf(manifest),
    annotations: { 'org.opencontainers.image.ref.name': tag },
  }))
  writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests }
  writeFileSync(join(folder, 'index.json'), JSON.stringify(index))
}

/** Every blob and manifest of an image except the manifest itself. */
export const partsOf = (image: Image): Blob[] => [image.config, ...image.layers]

/** One layout per sample, `folder/two` with the tag `two` and so on. */
export function writeSamples(folder: string, { two, zstd, docker, multi }: Samples): void {
  for (const [tag, image] of Object.entries({ two, zstd, docker }))
    writeLayout(join(folder, tag), { [tag]: image.manifest }, partsOf(image))
  const children = multi.images.flatMap((image) => [image.manifest, ...partsOf(image)])
  writeLayout(join(folder, 'multi'), { multi: multi.index }, children)
}
