import { expect } from 'bun:test'
import { type Blob, type Manifest, noiseBlob } from '../helpers/oci.ts'
import type { RegistryClient } from '../helpers/registry-client.ts'

/** What may be found of one tag: what was acknowledged last, and what a request without an answer may have made of it. */
interface TagState {
  /** Undefined: no such tag. */
  possible: (string | undefined)[]
}

/** One writer's images: only it changes them, one request after the other, so that it knows what must be there. */
export class Ledger {
  readonly #tags = new Map<string, TagState>()
  readonly #images = new Map<string, { manifest: Manifest; blobs: Blob[] }>()

  remember(manifest: Manifest, blobs: Blob[]): void {
    this.#images.set(manifest.digest, { manifest, blobs })
  }

  /** Before a request that sets (or with undefined, removes) a tag. Call the result once the answer says that it was done, or that it was refused. */
  attempt(image: string, tag: string, digest: string | undefined): (outcome: 'done' | 'refused') => void {
    const name = `${image}:${tag}`
    const before = this.#tags.get(name)?.possible ?? [undefined]
    this.#tags.set(name, { possible: [...before, digest] })
    return (outcome) => this.#tags.set(name, { possible: outcome === 'done' ? [digest] : before })
  }

  /** What the tag is known to point to; undefined when there is none, or nobody knows. */
  known(image: string, tag: string): string | undefined {
    const possible = this.#tags.get(`${image}:${tag}`)?.possible ?? []
    return possible.length === 1 ? possible[0] : undefined
  }

  blobsOf(digest: string): Blob[] {
    return this.#images.get(digest)?.blobs ?? []
  }

  /** Tags of an image that point to the manifest, or may. */
  tagsOf(image: string, digest: string): string[] {
    return [...this.#tags]
      .filter(([name, { possible }]) => name.startsWith(`${image}:`) && possible.includes(digest))
      .map(([name]) => name.slice(image.length + 1))
  }

  /** Pulls everything and compares it byte for byte. Afterwards everything is known again. Returns how many images were pulled. */
  async verify(client: RegistryClient): Promise<number> {
    let pulled = 0
    for (const [name, { possible }] of this.#tags) {
      const [image, tag] = name.split(':') as [string, string]
      const found = await client.pullManifest(image, tag)
      expect(possible, `${name} after the crash`).toContain(found?.digest)
      this.#tags.set(name, { possible: [found?.digest] })
      if (!found) continue
      const { manifest, blobs } = this.#images.get(found.digest)!
      expect(Buffer.from(found.bytes).equals(manifest.bytes), `bytes of ${name}`).toBe(true)
      for (const blob of blobs)
        expect(await client.verifyBlob(image, blob.digest), `${name} ${blob.digest}`).toBe(blob.bytes.length)
      pulled++
    }
    return pulled
  }
}

/** Blobs that all writers push again and again, so that the same content comes, goes and comes back. */
export const commonBlobs = Array.from({ length: 12 }, (_, n) => noiseBlob(`common ${n}`, 1 + ((n * 7919) % 60_000)))
