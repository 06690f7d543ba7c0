import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Blob, Image, Manifest } from './oci.ts'

export type RegistryTree = ReturnType<typeof registryTree>

/** Writes the files of a registry:2 by hand, whole or broken, below `root`. */
export function registryTree(root: string) {
  const base = join(root, 'docker/registry/v2')
  const hexOf = (digest: string) => digest.slice(digest.indexOf(':') + 1)
  const pathOf = (digest: string) => digest.replace(':', '/')

  /** `at` is the time of the file, milliseconds since 1970. */
  function write(path: string, content: string | Uint8Array, at?: number): void {
    const file = join(base, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
    if (at !== undefined) utimesSync(file, at / 1000, at / 1000)
  }

  const tree = {
    root,
    write,
    data: ({ digest, bytes }: Blob, content: string | Uint8Array = bytes) =>
      write(`blobs/${digest.split(':')[0]}/${hexOf(digest).slice(0, 2)}/${hexOf(digest)}/data`, content),
    layer: (image: string, digest: string, content = digest) =>
      write(`repositories/${image}/_layers/${pathOf(digest)}/link`, content),
    revision: (image: string, digest: string, { content = digest, at }: { content?: string; at?: number } = {}) =>
      write(`repositories/${image}/_manifests/revisions/${pathOf(digest)}/link`, content, at),
    tag: (image: string, name: string, digest: string, { at }: { at?: number } = {}) => {
      write(`repositories/${image}/_manifests/tags/${name}/current/link`, digest, at)
      write(`repositories/${image}/_manifests/tags/${name}/index/${pathOf(digest)}/link`, digest, at)
    },
    manifest(image: string, manifest: Manifest, options: { at?: number } = {}): void {
      tree.data(manifest)
      tree.revision(image, manifest.digest, options)
    },
    /** An image as a push leaves it. */
    image(image: string, { manifest, config, layers }: Image, tag?: string, options: { at?: number } = {}): void {
      for (const blob of [config, ...layers]) {
        tree.data(blob)
        tree.layer(image, blob.digest)
      }
      tree.manifest(image, manifest, options)
      if (tag) tree.tag(image, tag, manifest.digest, options)
    },
  }
  return tree
}

/** Every file below `root` with its content and time, to see whether anything was touched. */
export function filesOf(root: string): Map<string, string> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(root, name)).isFile(),
  )
  return new Map(
    files.map((name) => [
      name,
      `${statSync(join(root, name)).mtimeMs} ${readFileSync(join(root, name)).toString('base64')}`,
    ]),
  )
}
