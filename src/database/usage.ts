import { sql } from 'kysely'
import type { Queries } from './database.ts'
import { enqueue } from './gc-queue.ts'

/** What is in a repository. */
export interface Usage {
  /** Of blobs and manifests; each content counts once, however many images of the repository have it. */
  bytes: number
  tags: number
  images: number
}

/** Reads every link and manifest of the repository. Blobs count from the moment they are pushed, whether a manifest needs them yet or not. */
export async function usageOf(queries: Queries, repositoryId: number): Promise<Usage> {
  const { rows } = await sql<Usage>`select
    cast((${blobBytes(repositoryId)}) + (${manifestBytes(repositoryId)}) as bigint) as bytes,
    (${tagCount(repositoryId)}) as tags,
    (select count(*) from images i where i.repository_id = ${repositoryId}
      and exists (select 1 from manifests m where m.image_id = i.id)) as images`.execute(queries)
  const { bytes, tags, images } = rows[0]!
  return { bytes: Number(bytes), tags: Number(tags), images: Number(images) }
}

export async function bytesOf(queries: Queries, repositoryId: number): Promise<number> {
  const total = sql<{ bytes: number }>`select
    cast((${blobBytes(repositoryId)}) + (${manifestBytes(repositoryId)}) as bigint) as bytes`
  return Number((await total.execute(queries)).rows[0]!.bytes)
}

export async function tagsOf(queries: Queries, repositoryId: number): Promise<number> {
  const total = sql<{ tags: number }>`select (${tagCount(repositoryId)}) as tags`
  return Number((await total.execute(queries)).rows[0]!.tags)
}

const blobBytes = (id: number) => sql`select coalesce(sum(b.size), 0) from blobs b
  join repositories r on r.id = ${id} and r.blob_store = b.store
  where b.digest in (select l.digest from blob_links l join images i on i.id = l.image_id where i.repository_id = ${id})`

const manifestBytes = (id: number) => sql`select coalesce(sum(d.size), 0) from (
  select distinct m.digest, m.size from manifests m join images i on i.id = m.image_id where i.repository_id = ${id}
) d`

const tagCount = (id: number) =>
  sql`select count(*) from tags t join images i on i.id = t.image_id where i.repository_id = ${id}`

/** Whether some image of the repository has the blob. */
export async function hasBlob(queries: Queries, repositoryId: number, digest: string): Promise<boolean> {
  const row = await queries
    .selectFrom('blob_links')
    .innerJoin('images', 'images.id', 'blob_links.image_id')
    .select('blob_links.digest')
    .where('blob_links.digest', '=', digest)
    .where('images.repository_id', '=', repositoryId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Whether some image of the repository has the manifest. */
export async function hasManifest(queries: Queries, repositoryId: number, digest: string): Promise<boolean> {
  const row = await queries
    .selectFrom('manifests')
    .innerJoin('images', 'images.id', 'manifests.image_id')
    .select('manifests.digest')
    .where('manifests.digest', '=', digest)
    .where('images.repository_id', '=', repositoryId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Removes up to `limit` images with all that is in them; their blobs become candidates of the collector. Returns how many there were. */
export async function removeImages(
  queries: Queries,
  { id, store }: { id: number; store: string },
  limit: number,
  reviewAt: number,
): Promise<number> {
  const images = await queries.selectFrom('images').select('id').where('repository_id', '=', id).limit(limit).execute()
  const ids = images.map((image) => image.id)
  if (ids.length === 0) return 0
  // Manifests, too: what was adopted has them as files.
  const contents = await queries
    .selectFrom('blob_links')
    .select('digest')
    .where('image_id', 'in', ids)
    .union(queries.selectFrom('manifests').select('digest').where('image_id', 'in', ids))
    .execute()
  await enqueue(
    queries,
    contents.map(({ digest }) => ({ imageId: 0, store, digest })),
    reviewAt,
  )
  await queries.deleteFrom('images').where('id', 'in', ids).execute()
  return ids.length
}
