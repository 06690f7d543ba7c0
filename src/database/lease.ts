import { type RawBuilder, sql } from 'kysely'

/** For `set lease_until`: the new end of the lease, unless it has been promised for longer already. */
export function laterOf(table: 'blobs' | 'blob_links', leaseUntil: number): RawBuilder<number> {
  const current = sql.ref<number>(`${table}.lease_until`)
  return sql<number>`case when ${current} > ${leaseUntil} then ${current} else ${leaseUntil} end`
}
