import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  type Blob,
  configOf,
  imageName,
  manifestOf,
  referencedBlobs,
  referencedImage,
  referencesPerManifest,
  taggedImage,
  tagName,
} from '../harness/content.ts'
import type { Content } from '../harness/program.ts'

/**
 * Fills a data folder of docker-registry by writing its files directly: pushing as much would take hours there. What its
 * listings and its collector read is all there; the history of tags (`tags/<tag>/index`), which neither reads, is left out.
 */
export function writeContent(dataDir: string, { kind, count }: Content): void {
  const base = join(dataDir, 'docker/registry/v2')
  if (kind === 'tags') {
    const manifest = writeImage(base, taggedImage, [configOf('tagged')])
    for (let index = 0; index < count; index++) writeTag(base, taggedImage, tagName(index), manifest)
  }
  if (kind === 'images') {
    for (let index = 0; index < count; index++) {
      const image = imageName(index)
      writeTag(base, image, 'latest', writeImage(base, image, [configOf('seed')]))
    }
  }
  if (kind === 'references') {
    const blobs = referencedBlobs()
    for (let index = 0; index < count / referencesPerManifest; index++) {
      const manifest = writeImage(base, referencedImage, blobs, { index: String(index) }, index === 0)
      writeTag(base, referencedImage, tagName(index), manifest)
    }
  }
}

function writeImage(
  base: string,
  image: string,
  [config, ...layers]: Blob[],
  annotations: Record<string, string> = {},
  withBlobs = true,
): Blob {
  const manifest = manifestOf(config!, layers, annotations)
  for (const blob of withBlobs ? [config!, ...layers] : []) {
    writeBlob(base, blob)
    write(join(base, 'repositories', image, '_layers', linkPath(blob)), blob.digest)
  }
  writeBlob(base, manifest)
  write(join(base, 'repositories', image, '_manifests/revisions', linkPath(manifest)), manifest.digest)
  return manifest
}

function writeBlob(base: string, { bytes, digest }: Blob): void {
  const hex = digest.slice('sha256:'.length)
  write(join(base, 'blobs/sha256', hex.slice(0, 2), hex, 'data'), bytes)
}

function writeTag(base: string, image: string, tag: string, manifest: Blob): void {
  write(join(base, 'repositories', image, '_manifests/tags', tag, 'current/link'), manifest.digest)
}

function linkPath({ digest }: Blob): string {
  return `${digest.replace(':', '/')}/link`
}

function write(file: string, content: string | Buffer): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}
