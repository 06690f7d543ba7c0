import { z } from '@hono/zod-openapi'
import { type AuditRow, listAuditEvents } from '../../database/audit.ts'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint } from '../endpoint.ts'
import { linkToNext, pageOf } from '../pages.ts'

const EventSchema = z
  .object({
    id: z.number().int(),
    at: z.iso.datetime(),
    action: z.string(),
    result: z.enum(['done', 'denied']),
    actor: z.object({ kind: z.string(), name: z.string(), address: z.string() }),
    repository: z.string(),
    object: z.string(),
    requestId: z.string(),
    times: z.number().int(),
    detail: z.record(z.string(), z.unknown()).optional(),
  })
  .openapi('AuditEvent')

const query = z.object({
  ...pageOf(100, 1000),
  user: z.string().optional(),
  repository: z.string().optional(),
  action: z.string().optional().openapi({ description: 'whole, or with a star at the end: `manifest.*`' }),
  result: z.enum(['done', 'denied']).optional(),
  since: z.iso.datetime().optional(),
  until: z.iso.datetime().optional(),
})

/** The audit log, the newest events first. */
export function addAudit(api: Api, { db, decide }: ApiParts): void {
  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/audit',
      tag: 'audit',
      summary: 'Who did what, the newest first',
      access: 'admin',
      request: { query },
      answer: z.array(EventSchema),
    },
    async ({ query: { limit, after, user, since, until, ...filter }, incoming, header }) => {
      const times = { since: since && Date.parse(since), until: until && Date.parse(until) }
      const before = after === undefined ? undefined : Number(after)
      const where = { ...filter, actor: user, since: times.since || undefined, until: times.until || undefined }
      const rows = await listAuditEvents(db.queries, where, { limit, before })
      linkToNext(incoming, header, rows.length === limit ? rows.at(-1)?.id : undefined)
      return rows.map(publicForm)
    },
  )
}

function publicForm({ at, actor_kind, actor, address, request_id, detail, ...row }: AuditRow) {
  return {
    ...row,
    at: new Date(at).toISOString(),
    actor: { kind: actor_kind, name: actor, address },
    requestId: request_id,
    ...(detail !== null && { detail: JSON.parse(detail) as Record<string, unknown> }),
  }
}
