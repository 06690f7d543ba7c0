import type { Database } from '../../../database/database.ts'
import { prepareFindManifest, type StoredManifest } from '../../../database/manifests.ts'
import type { Reference } from './names.ts'

/** Bytes of manifests that are kept, and the largest that is. Typical ones have one to three kilobytes. */
const capacityBytes = 32 * 1024 * 1024
const largestBytes = 256 * 1024

/**
 * Finds manifests, out of memory where that is as good as the database: as long as nothing at all was committed since. A storm of pulls asks
 * for the same few manifests; even SQLite takes longer to look one up than everything else takes together. With a database that other
 * instances change too, every look-up goes there.
 */
export function createManifestFinder(db: Database) {
  const find = prepareFindManifest(db)
  const kept = new Map<string, StoredManifest>()
  let keptBytes = 0
  let generation = -1

  function look(repositoryId: number, image: string, { digest, tag }: Reference): Promise<StoredManifest | undefined> {
    return digest === undefined ? find.byTag(repositoryId, image, tag) : find.byDigest(repositoryId, image, digest)
  }

  function keep(key: string, manifest: StoredManifest): void {
    const { length } = manifest.content
    if (length > largestBytes) return
    if (keptBytes + length > capacityBytes) forget()
    kept.set(key, manifest)
    keptBytes += length
  }

  function forget(): void {
    kept.clear()
    keptBytes = 0
  }

  async function lookAndKeep(key: string, repositoryId: number, image: string, reference: Reference) {
    const asked = db.generation
    const manifest = await look(repositoryId, image, reference)
    if (manifest && asked === db.generation) keep(key, manifest)
    return manifest
  }

  /** Answers at once, without a promise, when it can. */
  return (repositoryId: number, image: string, reference: Reference) => {
    if (db.generation === undefined) return look(repositoryId, image, reference)
    if (db.generation !== generation) {
      forget()
      generation = db.generation
    }
    const key = `${repositoryId} ${image} ${reference.digest ?? reference.tag}`
    return kept.get(key) ?? lookAndKeep(key, repositoryId, image, reference)
  }
}
