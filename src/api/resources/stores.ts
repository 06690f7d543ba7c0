import { z } from '@hono/zod-openapi'
import { usageOfStores } from '../../database/browse.ts'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint } from '../endpoint.ts'

const BlobStoreSchema = z
  .object({
    name: z.string(),
    driver: z.string(),
    blobs: z.number().int(),
    bytes: z.number(),
    healthy: z.boolean(),
    problem: z.string().optional(),
  })
  .openapi('BlobStore')
const ReclaimableSchema = z
  .object({ references: z.number().int(), blobs: z.number().int(), bytes: z.number() })
  .openapi('Reclaimable')

/** Where the bytes are, and what could be given back. */
export function addStores(api: Api, { db, decide, stores, collector }: ApiParts): void {
  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/blob-stores',
      tag: 'storage',
      summary: 'Blob stores with what they hold',
      access: 'admin',
      answer: z.array(BlobStoreSchema),
    },
    async () => {
      const usage = new Map((await usageOfStores(db.queries)).map((one) => [one.store, one]))
      return Promise.all(
        stores.map(async ({ name, driver }) => {
          const { blobs = 0, bytes = 0 } = usage.get(name) ?? {}
          const problem = await driver.check().then(
            () => undefined,
            (error: unknown) => (error instanceof Error ? error.message : String(error)),
          )
          const health = problem === undefined ? { healthy: true } : { healthy: false, problem }
          return { name, driver: driver.description, blobs, bytes, ...health }
        }),
      )
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/gc',
      tag: 'storage',
      summary: 'What no manifest needs just now',
      access: 'admin',
      answer: ReclaimableSchema,
    },
    async () => {
      const { blobs, references } = await collector.reclaimable()
      return { references, blobs: blobs.length, bytes: blobs.reduce((sum, { size }) => sum + size, 0) }
    },
  )
}
