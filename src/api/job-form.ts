import { z } from '@hono/zod-openapi'
import type { Job } from '../jobs/job.ts'

export const JobSchema = z
  .object({
    id: z.number().int(),
    kind: z.string().openapi({ example: 'repository.move' }),
    object: z.string().openapi({ description: 'what it is about: the name of a repository, or empty' }),
    state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
    cancelling: z.boolean().openapi({ description: 'asked to stop, and has not yet' }),
    parameters: z.record(z.string(), z.unknown()),
    progress: z
      .record(z.string(), z.number())
      .openapi({ example: { blobs: 12, bytes: 4096, blobsInAll: 100, bytesInAll: 65_536 } }),
    log: z.array(z.object({ at: z.iso.datetime(), text: z.string() })).openapi({ description: 'the last 100 lines' }),
    error: z.string().optional(),
    by: z.object({ kind: z.string(), name: z.string() }),
    createdAt: z.iso.datetime(),
    startedAt: z.iso.datetime().optional(),
    finishedAt: z.iso.datetime().optional(),
    attempts: z.number().int().openapi({ description: 'how often an instance has taken it' }),
  })
  .openapi('Job')

/** A job as the API shows it. */
export function jobForm({ log, error, createdAt, startedAt, finishedAt, ...job }: Job): z.input<typeof JobSchema> {
  const time = (at: number) => new Date(at).toISOString()
  return {
    ...job,
    log: log.map(({ at, text }) => ({ at: time(at), text })),
    createdAt: time(createdAt),
    ...(error !== undefined && { error }),
    ...(startedAt !== undefined && { startedAt: time(startedAt) }),
    ...(finishedAt !== undefined && { finishedAt: time(finishedAt) }),
  }
}
