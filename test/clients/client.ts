import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Credentials } from '../helpers/registry-process.ts'

/** What a client got hold of: the digest of the manifest, and the digests of the configs it names. Either may be unknown to a client. */
export interface Pulled {
  digest?: string
  configs?: string[]
}

/** A real client, with state of its own. References are `127.0.0.1:5000/image:tag`. Every function throws when the client reports a failure. */
export interface Client {
  /** With its version, as it says itself. */
  readonly name: string
  /** Logs in, or tries to. Absent when it has no such command. */
  login?(host: string, credentials: Credentials): Promise<void>
  /** Pushes what an OCI layout holds under `tag`. */
  push(layout: string, tag: string, target: string): Promise<void>
  /** Pulls into an empty place. */
  pull(source: string): Promise<Pulled>
  /** Copies between two images of one registry, so that it may mount instead of sending. */
  copy?(source: string, target: string): Promise<void>
  /** As `push`, of an index with everything under it. */
  pushIndex?(layout: string, tag: string, target: string): Promise<void>
  /** Pulls an index with everything under it. */
  pullIndex?(source: string): Promise<Pulled>
  tags?(image: string): Promise<string[]>
  delete?(reference: string): Promise<void>
  /** Names of images that it finds by a word. */
  search?(host: string, term: string): Promise<string[]>
  close(): Promise<void>
}

/** Reads what a client stored as an OCI layout, and checks that it holds all that it names. Throws when a blob is missing. */
export function readPulledLayout(folder: string): Pulled {
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { manifests: { digest: string }[] }
  const root = index.manifests[0]?.digest
  if (!root) throw new Error(`${folder} holds no image`)
  return { digest: root, configs: configsUnder(folder, root) }
}

function configsUnder(folder: string, digest: string): string[] {
  const path = (of: string) => join(folder, 'blobs', of.replace(':', '/'))
  const manifest = JSON.parse(readFileSync(path(digest), 'utf8')) as {
    manifests?: { digest: string }[]
    config?: { digest: string }
    layers?: { digest: string }[]
  }
  if (manifest.manifests) return manifest.manifests.flatMap((child) => configsUnder(folder, child.digest))
  const parts = [...(manifest.layers ?? []), ...(manifest.config ? [manifest.config] : [])]
  const missing = parts.find((part) => !existsSync(path(part.digest)))
  if (missing) throw new Error(`${folder} lacks ${missing.digest}`)
  return manifest.config ? [manifest.config.digest] : []
}

/** A new folder `pulled-N` in `parent`. */
export function newFolder(parent: string): string {
  const folder = join(parent, `pulled-${readdirSync(parent).length}`)
  mkdirSync(folder)
  return folder
}

/** Non-empty lines of a client's output. */
export const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '')
