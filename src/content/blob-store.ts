import { AppError } from '../errors.ts'
import type { Key, StorageDriver } from '../storage/driver.ts'
import type { Digest } from './digest.ts'

/** A named place for content. Repositories refer to it by name; one copy per digest. */
export interface BlobStore {
  readonly name: string
  readonly driver: StorageDriver
}

/** The stores of this installation by name. Throws `internal` for a name nobody has configured. */
export type BlobStores = (name: string) => BlobStore

/** The layout of registry:2, so that its folder can be taken over as it is; see decisions/003-registry-2-layout.md. */
export function blobKey(digest: Digest): Key {
  const [algorithm, hex] = digest.split(':') as [string, string]
  return `docker/registry/v2/blobs/${algorithm}/${hex.slice(0, 2)}/${hex}/data`
}

export function createBlobStores(stores: BlobStore[]): BlobStores {
  const byName = new Map(stores.map((store) => [store.name, store]))
  return (name) => {
    const store = byName.get(name)
    if (store) return store
    throw new AppError('internal', `blob store "${name}" is used by a repository but not configured`)
  }
}
