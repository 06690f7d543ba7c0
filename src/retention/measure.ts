import { setImmediate as nextTurn } from 'node:timers/promises'
import { prepareCountContent } from '../database/cached-content.ts'
import { prepareImagePages } from '../database/cached-manifests.ts'
import type { Database } from '../database/database.ts'
import { adoptManifests, lacksUses } from '../database/manifest-uses.ts'
import type { Cache } from './evict.ts'

const imagesPerPage = 200
const blobsPerPage = 1000

/**
 * Adds up the bytes of the blobs that the manifests of a cache need and no other repository has: what evicting all of it would free. Looks at every blob of
 * the repository, a page at a time. With `adopt`, also sees to it that each manifest has a last use. Undefined: told to stop.
 */
export function createMeasure(db: Database, now: () => number) {
  const pageOfImages = prepareImagePages(db)
  const count = prepareCountContent(db)

  return async ({ id, store }: Cache, adopt: boolean, keepGoing: () => Promise<boolean>) => {
    let total = 0
    let lastImage = ''
    for (;;) {
      const images = await pageOfImages(id, lastImage, imagesPerPage)
      for (const image of images) {
        if (adopt && (await lacksUses(db.queries, image.id)))
          await db.relaxed((tx) => adoptManifests(tx, image.id, id, now()))
        let page = { bytes: 0, last: '', isEnd: false }
        while (!page.isEnd) {
          if (!(await keepGoing())) return undefined
          page = await count({ imageId: image.id, repositoryId: id, store }, page.last, blobsPerPage)
          total += page.bytes
        }
        await nextTurn()
      }
      if (images.length < imagesPerPage) return total
      lastImage = images.at(-1)!.name
    }
  }
}
