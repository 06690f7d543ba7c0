import type { ContentParts } from '../content/content.ts'
import { type RepositoryRow, repositoriesChanged } from '../database/repositories.ts'
import { removeImages } from '../database/usage.ts'

/** So many at once keep nobody waiting for long. */
const batch = 200

/**
 * Removes a repository with all that is in it; blobs that nobody else has go with the next garbage collections. Broken off at any moment, what is left can be
 * removed by calling it again.
 */
export async function removeRepository({ db, now, graceMs }: ContentParts, row: RepositoryRow): Promise<void> {
  const place = { id: row.id, store: row.blob_store }
  const some = () => db.transaction((tx) => removeImages(tx, place, batch, now() + graceMs))
  while ((await some()) > 0);
  await db.transaction(async (tx) => {
    // What came in by a request that had begun before the repository was taken offline.
    while ((await removeImages(tx, place, batch, now() + graceMs)) > 0);
    await tx.deleteFrom('repositories').where('id', '=', row.id).execute()
    await repositoriesChanged(tx)
  })
}
