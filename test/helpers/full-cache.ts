import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Database, Queries } from '../../src/database/database.ts'

/** What a cache is filled with. Every image has 3 layers that all its manifests need, each manifest 5 of its own. */
export interface FullCache {
  repositoryId: number
  store: string
  images: number
  /** Manifests of each image. */
  each: number
  /** Bytes of each layer. */
  layerBytes: number
  /** When the first manifest was used; each other one a second later. */
  from: number
}

const shared = 3
const own = 5

/** Images per transaction. */
const step = 50

export const manifestDigest = (index: number) => digestOf(`manifest ${index}`)

/**
 * Writes a cache straight into an empty database: manifests `0` to `images * each - 1`, of images `app/0` to `app/${images - 1}`, used in turn image by image, so that
 * neighbours in the order of use lie far apart. No bytes of blobs are stored.
 */
export async function fillCache(db: Database, { images, each, from, ...cache }: FullCache): Promise<void> {
  for (let first = 0; first < images; first += step)
    await db.relaxed(async (tx) => {
      const rows: Record<Table, unknown[][]> = {
        images: [],
        manifests: [],
        manifest_uses: [],
        manifest_references: [],
        blobs: [],
        blob_links: [],
      }
      for (let image = first; image < Math.min(first + step, images); image++) {
        const id = image + 1
        rows.images.push([id, cache.repositoryId, `app/${image}`, 0])
        const common = Array.from({ length: shared }, (_, layer) => digestOf(`image ${image} layer ${layer}`))
        const layers = [...common]
        for (let index = 0; index < each; index++) {
          const number = image * each + index
          rows.manifests.push([number + 1, id, manifestDigest(number), 'application/json', 2, 0, '{}'])
          rows.manifest_uses.push([number + 1, cache.repositoryId, from + (index * images + image) * 1000])
          const mine = Array.from({ length: own }, (_, layer) => digestOf(`manifest ${number} layer ${layer}`))
          layers.push(...mine)
          for (const digest of [...common, ...mine]) rows.manifest_references.push([id, number + 1, digest])
        }
        for (const digest of layers) {
          rows.blobs.push([cache.store, digest, cache.layerBytes, 'live', 0, 0])
          rows.blob_links.push([id, digest, 0, 0])
        }
      }
      for (const [table, columns] of Object.entries(tables))
        await insert(tx, db.kind, table, columns, rows[table as Table])
    })
}

type Table = keyof typeof tables

/** With the type of each column: the rows travel as JSON, in one parameter. */
const tables = {
  images: { id: 'bigint', repository_id: 'bigint', name: 'text', created_at: 'bigint' },
  manifests: {
    id: 'bigint',
    image_id: 'bigint',
    digest: 'text',
    media_type: 'text',
    size: 'bigint',
    created_at: 'bigint',
    content: 'bytes',
  },
  manifest_uses: { manifest_id: 'bigint', repository_id: 'bigint', used_at: 'bigint' },
  manifest_references: { image_id: 'bigint', manifest_id: 'bigint', digest: 'text' },
  blobs: {
    store: 'text',
    digest: 'text',
    size: 'bigint',
    state: 'text',
    lease_until: 'bigint',
    created_at: 'bigint',
  },
  blob_links: { image_id: 'bigint', digest: 'text', lease_until: 'bigint', created_at: 'bigint' },
}

async function insert(
  queries: Queries,
  kind: Database['kind'],
  table: string,
  columns: Record<string, string>,
  rows: unknown[][],
): Promise<void> {
  const isSqlite = kind === 'sqlite'
  const values = Object.values(columns).map((type, index) => {
    const isBytes = type === 'bytes'
    if (isSqlite) {
      const value = `json_extract(value, '$[${index}]')`
      return isBytes ? `cast(${value} as blob)` : value
    }
    return isBytes ? `convert_to(value->>${index}, 'UTF8')` : `(value->>${index})::${type}`
  })
  const source = isSqlite
    ? sql`json_each(${JSON.stringify(rows)})`
    : sql`json_array_elements(${JSON.stringify(rows)}::json)`
  await sql`insert into ${sql.table(table)} (${sql.raw(Object.keys(columns).join(', '))})
    select ${sql.raw(values.join(', '))} from ${source}`.execute(queries)
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
