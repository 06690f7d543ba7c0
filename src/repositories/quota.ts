import type { Admit } from '../content/content.ts'
import type { Queries } from '../database/database.ts'
import { holdQuota } from '../database/repositories.ts'
import { bytesOf, hasBlob, hasManifest, tagsOf } from '../database/usage.ts'
import { AppError } from '../errors.ts'
import type { Repository } from './repositories.ts'

/** Keeps a repository within its quota. All throw `policy-refused` with what is used, what the limit is and what is needed. */
export interface QuotaGuard {
  /** Before an upload: whether there is any room at all. */
  checkRoom(queries: Queries): Promise<void>
  /** In the transaction that adds a blob. */
  admitBlob: Admit
  /** In the transaction that adds a manifest and tags, of which `newTags` do not exist yet. */
  admitManifest(queries: Queries, manifest: { digest: string; size: number; newTags: number }): Promise<void>
}

/**
 * Undefined where there is no quota: nothing is asked of the database then. What counts is told by `usageOf`; it is counted anew each time, by one transaction after
 * the other in a repository, so that two pushes at once cannot both have the last room.
 */
export function quotaOf({ id, name, quota }: Repository): QuotaGuard | undefined {
  if (!quota) return undefined

  function refuse(what: 'bytes' | 'tags', limit: number, used: number, needed: number): never {
    const needs = needed > 0 ? `, and this needs ${needed} more` : ''
    throw new AppError(
      'policy-refused',
      `repository ${name} has a quota of ${limit} ${what}, ${used} are used${needs}: delete what is not needed (blobs count until the garbage collection), or have the quota raised`,
      { detail: { quota: what, limit, used, needed } },
    )
  }

  async function admitBytes(queries: Queries, size: number): Promise<void> {
    const limit = quota?.bytes
    if (limit === undefined) return
    const used = await bytesOf(queries, id)
    if (used + size > limit) refuse('bytes', limit, used, size)
  }

  return {
    async checkRoom(queries) {
      if (quota.bytes === undefined) return
      const used = await bytesOf(queries, id)
      if (used >= quota.bytes) refuse('bytes', quota.bytes, used, 0)
    },
    async admitBlob(queries, digest, size) {
      if (quota.bytes === undefined) return
      await holdQuota(queries, id)
      if (!(await hasBlob(queries, id, digest))) await admitBytes(queries, size)
    },
    async admitManifest(queries, { digest, size, newTags }) {
      await holdQuota(queries, id)
      if (quota.bytes !== undefined && !(await hasManifest(queries, id, digest))) await admitBytes(queries, size)
      if (quota.tags === undefined || newTags === 0) return
      const used = await tagsOf(queries, id)
      if (used + newTags > quota.tags) refuse('tags', quota.tags, used, newTags)
    },
  }
}
