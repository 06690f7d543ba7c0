import type { Digest } from '../../../content/digest.ts'

/** The part of registry:2's storage that says which image has what. The contents themselves lie where ours do: see `blobKey`. */
export const repositoriesFolder = 'docker/registry/v2/repositories'

/** One file below `<image>/_manifests/` that means something. The digests are those of the path, unchecked. */
export type ManifestEntry =
  | { kind: 'revision'; digest: string }
  | { kind: 'current'; tag: string }
  | { kind: 'past'; tag: string; digest: string }

/** Where the revisions and tags of an image are listed. */
export function manifestsPrefix(image: string): string {
  return `${repositoriesFolder}/${image}/_manifests/`
}

/** What `path`, relative to `_manifests/`, means; undefined for anything else: signatures of schema 1, what a crash has left. */
export function parseManifestPath(path: string): ManifestEntry | undefined {
  const parts = path.split('/')
  if (parts.at(-1) !== 'link') return undefined
  if (parts[0] === 'revisions' && parts.length === 4) return { kind: 'revision', digest: `${parts[1]}:${parts[2]}` }
  if (parts[0] !== 'tags') return undefined
  const tag = parts[1]!
  if (parts.length === 4 && parts[2] === 'current') return { kind: 'current', tag }
  if (parts.length === 6 && parts[2] === 'index') return { kind: 'past', tag, digest: `${parts[3]}:${parts[4]}` }
  return undefined
}

/** The link that makes a manifest part of an image. */
export function revisionLink(image: string, digest: Digest): string {
  return `${manifestsPrefix(image)}revisions/${digest.replace(':', '/')}/link`
}

/** The link that makes a blob part of an image. */
export function layerLink(image: string, digest: Digest): string {
  return `${repositoriesFolder}/${image}/_layers/${digest.replace(':', '/')}/link`
}
