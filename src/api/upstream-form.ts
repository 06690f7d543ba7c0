import { z } from '@hono/zod-openapi'
import type { UpstreamState } from '../upstream/upstream.ts'

export const UpstreamStatusSchema = z
  .object({
    state: z.enum(['ok', 'failing', 'blocked', 'blocked-by-hand']).openapi({
      description:
        '`failing`: too seldom to be blocked. `blocked`: left alone for a while. `ok` is also what nobody has asked yet',
    }),
    since: z.iso.datetime(),
    reason: z.string().optional().openapi({ description: 'the last failure, or why it is blocked' }),
    failures: z.number().int().openapi({ description: 'in a row' }),
    nextProbeAt: z.iso.datetime().optional().openapi({ description: 'when it may be tried again' }),
    lastSuccessAt: z.iso.datetime().optional(),
    paused: z
      .record(z.string(), z.iso.datetime())
      .openapi({ description: 'kinds of request it asked us to hold back (429), until when' }),
    login: z.enum(['none', 'basic', 'bearer']).openapi({ description: 'what it wants, as far as is known' }),
    pullLimit: z
      .object({
        limit: z.number(),
        remaining: z.number(),
        windowSeconds: z.number().optional(),
        seenAt: z.iso.datetime(),
      })
      .optional()
      .openapi({ description: 'as the upstream has told last' }),
  })
  .openapi('UpstreamStatus')

/** How an upstream is doing, as this instance has seen it. */
export function upstreamForm({ health, limit, scheme }: UpstreamState): z.input<typeof UpstreamStatusSchema> {
  const { state, since, reason, failures, nextProbeAt, lastSuccessAt, paused } = health
  return {
    state,
    since: since.toISOString(),
    ...(reason !== undefined && { reason }),
    failures,
    ...(nextProbeAt && { nextProbeAt: nextProbeAt.toISOString() }),
    ...(lastSuccessAt && { lastSuccessAt: lastSuccessAt.toISOString() }),
    paused: Object.fromEntries(Object.entries(paused).map(([kind, until]) => [kind, until.toISOString()])),
    login: scheme,
    ...(limit && {
      pullLimit: {
        limit: limit.limit,
        remaining: limit.remaining,
        ...(limit.windowSeconds !== undefined && { windowSeconds: limit.windowSeconds }),
        seenAt: limit.seenAt.toISOString(),
      },
    }),
  }
}
