import { type RawBuilder, sql } from 'kysely'
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
      await touch(queries, all.slice(first, first + chunk), usedAt)
  }
}

async function touch(queries: Queries, ids: number[], usedAt: number): Promise<void> {
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

/** Whether an image has manifests whose use nobody has kept count of. */
export async function lacksUses(queries: Queries, imageId: number): Promise<boolean> {
  const row = await queries
    .selectFrom('manifests as m')
    .leftJoin('manifest_uses as u', 'u.manifest_id', 'm.id')
    .select('m.id')
    .where('m.image_id', '=', imageId)
    .where('u.manifest_id', 'is', null)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Gives manifests of an image that nobody has kept count of (the repository was of another type before, say) a first use. */
export async function adoptManifests(queries: Queries, imageId: number, repositoryId: number, now: number) {
  await queries
    .insertInto('manifest_uses')
    .columns(['manifest_id', 'repository_id', 'used_at'])
    .expression((eb) =>
      eb
        .selectFrom('manifests as m')
        .select(['m.id', number(repositoryId).as('repository_id'), number(now).as('used_at')])
        .where('m.image_id', '=', imageId)
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom('manifest_uses as u').select('u.manifest_id').whereRef('u.manifest_id', '=', 'm.id'))),
        ),
    )
    .onConflict((conflict) => conflict.column('manifest_id').doNothing())
    .execute()
}

/** PostgreSQL must be told what a value in a list of columns is. */
function number(value: number): RawBuilder<number> {
  return sql<number>`cast(${value} as bigint)`
}

function later(usedAt: number): RawBuilder<number> {
  const current = sql.ref<number>('manifest_uses.used_at')
  return sql<number>`case when ${current} > ${usedAt} then ${current} else ${usedAt} end`
}
