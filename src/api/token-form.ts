import { z } from '@hono/zod-openapi'
import { type AccessToken, isLive } from '../identity/tokens/access-tokens.ts'

const LimitSchema = z
  .object({
    repository: z.string().min(1).max(128).openapi({ description: 'a name, or * for all' }),
    images: z.array(z.string().max(300)).max(100).default([]).openapi({ description: 'patterns; none: all images' }),
    actions: z.array(z.enum(['pull', 'push', 'delete'])).min(1),
  })
  .openapi('Limit')

const longest = 90 * 86_400_000

export const NewTokenSchema = z
  .object({
    name: z.string().min(1).max(100),
    limits: z
      .array(LimitSchema)
      .min(1)
      .max(100)
      .optional()
      .openapi({ description: 'what it allows at most; absent: all that its owner may. A robot needs some' }),
    expiresAt: z.iso.datetime().nullable().optional().openapi({ description: 'null: never; absent: 90 days from now' }),
  })
  .openapi('NewToken')

export const TokenSchema = z
  .object({
    id: z.number().int(),
    owner: z.object({ kind: z.enum(['user', 'robot']), name: z.string() }),
    name: z.string(),
    state: z.enum(['valid', 'expired', 'revoked']),
    limits: z.array(LimitSchema).optional(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().optional(),
    lastUsedAt: z.iso.datetime().optional().openapi({ description: 'to the minute or so' }),
    revokedAt: z.iso.datetime().optional(),
  })
  .openapi('Token')

export const CreatedTokenSchema = TokenSchema.extend({
  secret: z.string().openapi({ description: 'shown this once; log in with it in place of the password' }),
}).openapi('CreatedToken')

/** An access token as the API shows it, without its secret, which nobody has. */
export function tokenForm(token: AccessToken, now: number): z.input<typeof TokenSchema> {
  const { id, owner, name, limits, createdAt, expiresAt, lastUsedAt, revokedAt } = token
  const time = (at: number) => new Date(at).toISOString()
  return {
    id,
    owner: { ...owner },
    name,
    state: revokedAt !== undefined ? 'revoked' : isLive(token, now) ? 'valid' : 'expired',
    ...(limits && {
      limits: limits.map((limit) => ({
        ...limit,
        images: [...limit.images],
        actions: [...limit.actions] as ('pull' | 'push' | 'delete')[],
      })),
    }),
    createdAt: time(createdAt),
    ...(expiresAt !== undefined && { expiresAt: time(expiresAt) }),
    ...(lastUsedAt !== undefined && { lastUsedAt: time(lastUsedAt) }),
    ...(revokedAt !== undefined && { revokedAt: time(revokedAt) }),
  }
}

/** What the body of a request says of a new token. */
export function wantedToken({ name, limits, expiresAt }: z.output<typeof NewTokenSchema>, now: number) {
  const end = expiresAt === undefined ? now + longest : expiresAt === null ? undefined : Date.parse(expiresAt)
  return { name, limits, expiresAt: end }
}
