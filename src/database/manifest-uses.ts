import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Queries } from './database.ts'

/** Rows per statement. */
const chunk = 500

/** Says that a manifest which was just stored in a proxy repository is used. */
export async function startUse(
  queries: Queries,
  { imageId, digest, repositoryId }: { imageId: number; digest: string; repositoryId: number },
  now: number,
): Promise<void> {
  await queries
    .insertInto('manifest_uses')
    .columns(['manifest_id', 'repository_id', 'used_at'])
    .expression((eb) =>
      eb
        .selectFrom('manifests')
        .select(['id', number(repositoryId).as('repository_id'), number(now).as('used_at')])
        .where('image_id', '=', imageId)
        .where('digest', '=', digest),
    )
    .onConflict((conflict) => conflict.column('manifest_id').doUpdateSet({ used_at: later(now) }))
    .execute()
}

/**
 * Says that manifests were used, and with an index its children: whoever has an image does not ask for those again. Times only go up, so that what several
 * instances tell adds up to the latest. Manifests that are gone are passed over.
 */
export async function noteUses(queries: Queries, manifestIds: number[], usedAt: number): Promise<void> {
  // In one order, so that two instances wait for each other rather than block each other.
  const ids = manifestIds.toSorted((a, b) => a - b)
  for (let start = 0; start < ids.length; start += chunk) {
    const some = ids.slice(start, start + chunk)
    const children = await queries
      .selectFrom('manifest_references as r')
      .innerJoin('manifests as c', (join) =>
        join.onRef('c.image_id', '=', 'r.image_id').onRef('c.digest', '=', 'r.digest'),
      )
      .select('c.id')
      .where('r.manifest_id', 'in', some)
      .execute()
    const all = [...new Set([...some, ...children.map(({ id }) => id)])].sort((a, b) => a - b)
    for (let first = 0; first < all.length; first += chunk)
      await noteOwnUses(queries, all.slice(first, first + chunk), usedAt)
  }
}

/** The same without the children. */
export async function noteOwnUses(queries: Queries, ids: number[], usedAt: number): Promise<void> {
  await queries
    .insertInto('manifest_uses')
    .columns(['manifest_id', 'repository_id', 'used_at'])
    .expression((eb) =>
      eb
        .selectFrom('manifests as m')
        .innerJoin('images as i', 'i.id', 'm.image_id')
        .select(['m.id', 'i.repository_id', number(usedAt).as('used_at')])
        .where('m.id', 'in', ids)
        .orderBy('m.id'),
    )
    .onConflict((conflict) => conflict.column('manifest_id').doUpdateSet({ used_at: later(usedAt) }))
    .execute()
}

/** Where a walk over all manifests has come to. */
export interface WalkedManifests {
  imageId: number
  digest: string
}

/**
 * A page of all manifests by image and digest, after `after`: those of these repositories whose use nobody has kept count of (the repository was of another
 * type before, say). `last` is undefined at the end.
 */
export async function withoutUse(
  queries: Queries,
  repositoryIds: number[],
  after: WalkedManifests,
  limit: number,
): Promise<{ ids: number[]; last: WalkedManifests | undefined }> {
  const rows = await queries
    .selectFrom((from) =>
      from
        .selectFrom('manifests')
        .select(['id', 'image_id', 'digest'])
        .where(sql<SqlBool>`(image_id, digest) > (${after.imageId}, ${after.digest})`)
        .orderBy('image_id')
        .orderBy('digest')
        .limit(limit)
        .as('m'),
    )
    .select(['m.id', 'm.image_id as imageId', 'm.digest'])
    .select(
      sql<
        number | null
      >`case when (select i.repository_id from images i where i.id = m.image_id) in (${sql.join(repositoryIds)})
        then (select u.used_at from manifest_uses u where u.manifest_id = m.id) else 0 end`.as('usedAt'),
    )
    .orderBy('m.image_id')
    .orderBy('m.digest')
    .execute()
  const ids = rows.filter(({ usedAt }) => usedAt === null).map(({ id }) => id)
  return { ids, last: rows.length < limit ? undefined : rows.at(-1) }
}

/** Brings the times of a repository's uses that lie after `latest` back to it: the clock was wrong when they were written. How many there were, at most `limit`. */
export async function bringBackUses(queries: Queries, repositoryId: number, latest: number, limit: number) {
  const rows = await queries
    .selectFrom('manifest_uses')
    .select('manifest_id')
    .where('repository_id', '=', repositoryId)
    .where('used_at', '>', latest)
    .orderBy('used_at')
    .limit(limit)
    .execute()
  if (rows.length === 0) return 0
  const ids = rows.map(({ manifest_id }) => manifest_id)
  await queries.updateTable('manifest_uses').set({ used_at: latest }).where('manifest_id', 'in', ids).execute()
  return rows.length
}

/** PostgreSQL must be told what a value in a list of columns is. */
function number(value: number): RawBuilder<number> {
  return sql<number>`cast(${value} as bigint)`
}

function later(usedAt: number): RawBuilder<number> {
  const current = sql.ref<number>('manifest_uses.used_at')
  return sql<number>`case when ${current} > ${usedAt} then ${current} else ${usedAt} end`
}
