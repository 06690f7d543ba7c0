import type { Database, Queries } from '../database/database.ts'
import type { BlobStores } from './blob-store.ts'

/** What the functions of this room work with. */
export interface ContentParts {
  db: Database
  stores: BlobStores
  /** Milliseconds since 1970. */
  now: () => number
  /**
   * How long something that no manifest references is kept, in milliseconds: for a push to finish, and as the time to notice a
   * mistake. The collector waits as long after a deletion.
   */
  graceMs: number
}

/** Where a blob is linked, or shall be: an image of a repository, and the store the repository keeps its content in. */
export interface Place {
  repositoryId: number
  image: string
  store: string
}

/**
 * Asked within the transaction that adds a blob to an image, before it is linked: throws when there is no room for it. `size` in bytes.
 */
export type Admit = (queries: Queries, digest: string, size: number) => Promise<void>
