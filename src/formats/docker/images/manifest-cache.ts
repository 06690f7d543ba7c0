import type { Database } from '../../../database/database.ts'
import { prepareFindManifest, type StoredManifest } from '../../../database/manifests.ts'
import type { Reference } from './names.ts'

/** Bytes of manifests that are kept, and the largest that is. Typical ones have one to three kilobytes. */
const capacityBytes = 32 * 1024 * 1024
const largestBytes = 256 * 1024

/**
 * Keeps what look-ups of manifests find as long as that is as good as the database: as long as nothing at all was committed since. A storm of pulls
 * asks for the same few manifests; even SQLite takes longer to look one up than everything else takes together. With a database that other
 * instances change too, every look-up goes there. Answers at once, without a promise, when it can.
 */
export function createManifestCache<Found extends StoredManifest>(db: Database) {
  const kept = new Map<string, Found>()
  let keptBytes = 0
  let generation = -1

  function keep(key: string, manifest: Found): void {
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

  async function lookAndKeep(key: string, look: () => Promise<Found | undefined>) {
    const asked = db.generation
    const manifest = await look()
    if (manifest && asked === db.generation) keep(key, manifest)
    return manifest
  }

  return (key: string, look: () => Promise<Found | undefined>) => {
    const now = db.generation
    if (now === undefined) return look()
    if (now !== generation) {
      forget()
      generation = now
    }
    return kept.get(key) ?? lookAndKeep(key, look)
  }
}

/** Finds manifests of one repository, out of memory where it can. */
export function createManifestFinder(db: Database) {
  const find = prepareFindManifest(db)
  const through = createManifestCache<StoredManifest>(db)
  return (repositoryId: number, image: string, { digest, tag }: Reference) =>
    through(`${repositoryId} ${image} ${digest ?? tag}`, () =>
      digest === undefined ? find.byTag(repositoryId, image, tag) : find.byDigest(repositoryId, image, digest),
    )
}
