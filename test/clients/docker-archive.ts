import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { tarOf } from '../helpers/tar.ts'

/** An archive for `docker load`, of an image in an OCI layout with gzip layers, named `name` there. */
export async function archiveOfLayout(layout: string, tag: string, name: string): Promise<Uint8Array> {
  const blob = (digest: string) => readFileSync(join(layout, 'blobs', digest.replace(':', '/')))
  const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {
    manifests: { digest: string; annotations: Record<string, string> }[]
  }
  const found = manifests.find(({ annotations }) => annotations['org.opencontainers.image.ref.name'] === tag)
  if (!found) throw new Error(`${layout} has no ${tag}`)
  const manifest = JSON.parse(blob(found.digest).toString()) as {
    config: { digest: string }
    layers: { digest: string }[]
  }
  const layers = manifest.layers.map(({ digest }, n) => ({ name: `layer${n}.tar`, content: gunzipSync(blob(digest)) }))
  const config = { name: `${manifest.config.digest.slice(7)}.json`, content: blob(manifest.config.digest) }
  const contents = [{ Config: config.name, RepoTags: [name], Layers: layers.map((layer) => layer.name) }]
  return tarOf([...layers, config, { name: 'manifest.json', content: JSON.stringify(contents) }])
}
