import { z } from '@hono/zod-openapi'
import { AppError } from '../../errors.ts'
import type { Job } from '../../jobs/job.ts'
import type { ApiParts } from '../api.ts'
import type { Caller } from '../caller.ts'
import { type Api, addEndpoint } from '../endpoint.ts'
import { eventStream } from '../event-stream.ts'
import { JobSchema, jobForm } from '../job-form.ts'
import { linkToNext, pageOf } from '../pages.ts'
import { actorOf } from '../told.ts'

const params = z.object({ job: z.coerce.number().int().min(1) })
const gone = { 404: 'there is no such job' }

/** Work in the background: list, progress, cancel, retry; and a garbage collection at once. */
export function addJobs(api: Api, { decide, jobs, tellChange }: ApiParts): void {
  async function jobOf(id: number): Promise<Job> {
    const job = await jobs.find(id)
    if (!job) throw new AppError('route-unknown', `there is no job ${id}`)
    return job
  }

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/jobs',
      tag: 'jobs',
      summary: 'Work in the background, the newest first; kept for 30 days',
      access: 'admin',
      request: {
        query: z.object({
          ...pageOf(50, 500),
          kind: z.string().optional(),
          object: z.string().optional(),
          state: JobSchema.shape.state.optional(),
        }),
      },
      answer: z.array(JobSchema),
    },
    async ({ query: { limit, after, ...filter }, incoming, header }) => {
      const before = after === undefined ? undefined : Number(after)
      const found = await jobs.list(filter, { before, limit })
      linkToNext(incoming, header, found.length === limit ? found.at(-1)?.id : undefined)
      return found.map(jobForm)
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/jobs/{job}',
      tag: 'jobs',
      summary: 'One job, and how far it is; admins, and whoever asked for it',
      access: 'known',
      request: { params },
      answer: JobSchema,
      also: gone,
    },
    async ({ params: { job: id }, caller }) => {
      const job = await jobs.find(id)
      if (job && (decide(caller.principal, 'administer') || isBy(job, caller))) return jobForm(job)
      throw new AppError('route-unknown', `there is no job ${id}`)
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/jobs/{job}/events',
      tag: 'jobs',
      summary: 'Server-sent events: the job as `GET /jobs/{job}` has it, now and whenever it changes',
      access: 'known',
      request: { params },
      status: 200,
      also: gone,
    },
    async ({ params: { job: id }, caller, incoming }) => {
      const visible = async () => {
        const job = await jobs.find(id)
        return job && (decide(caller.principal, 'administer') || isBy(job, caller)) ? jobForm(job) : undefined
      }
      if (!(await visible())) throw new AppError('route-unknown', `there is no job ${id}`)
      incoming.unhurried()
      return eventStream(visible, ({ finishedAt }) => finishedAt !== undefined, incoming.signal)
    },
  )

  for (const verb of ['cancel', 'retry'] as const)
    addEndpoint(
      api,
      decide,
      {
        method: 'post',
        path: `/jobs/{job}/${verb}`,
        tag: 'jobs',
        summary:
          verb === 'cancel'
            ? 'Asks a job to stop; it does within seconds'
            : 'Lets a job that failed or was cancelled begin again',
        access: 'admin',
        request: { params },
        answer: JobSchema,
        status: 202,
        also: gone,
      },
      async ({ params: { job: id }, caller, incoming }) => {
        const before = await jobOf(id)
        if (!(await jobs[verb](id)))
          throw new AppError('request-invalid', `job ${id} is ${before.state}: there is nothing to ${verb}`)
        tellChange(incoming, caller, `job.${verb}`, before.object, `${before.kind}, job ${id}`)
        return jobForm(await jobOf(id))
      },
    )

  addEndpoint(
    api,
    decide,
    {
      method: 'post',
      path: '/gc',
      tag: 'storage',
      summary: 'Collects what is due now, instead of within a minute',
      access: 'admin',
      answer: JobSchema,
      status: 202,
    },
    async ({ caller, incoming, header }) => {
      const { job } = await jobs.start({ kind: 'gc.run', by: actorOf(caller, incoming) })
      tellChange(incoming, caller, 'gc.run', '', `job ${job.id}`)
      header('location', `${incoming.origin.prefix}/api/v1/jobs/${job.id}`)
      return jobForm(job)
    },
  )
}

function isBy({ by }: Job, { principal }: Caller): boolean {
  return principal.kind !== 'anonymous' && principal.kind === by.kind && principal.name === by.name
}
