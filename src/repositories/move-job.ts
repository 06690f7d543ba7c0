import { AppError } from '../errors.ts'
import type { Actor } from '../events/event.ts'
import type { JobWork } from '../jobs/job.ts'
import type { RepositoryService } from './service.ts'

/** `repository.move`, with `{store}`: takes the content of a repository to another blob store while it is served. Taken up again, it goes on where it was. */
export function moveJob(serviceAs: (actor: Actor) => Pick<RepositoryService, 'move'>): JobWork {
  return async ({ job, signal, progress, say }) => {
    const { store } = job.parameters
    if (typeof store !== 'string') throw new AppError('internal', `job ${job.id} names no blob store`)
    const { blobs, bytes } = await serviceAs({ ...job.by, address: '' }).move(job.object, store, {
      signal,
      onProgress: (far) => progress({ ...far }),
    })
    say(`${job.object} is in ${store}: ${blobs} blobs with ${bytes} bytes copied, or found there`)
  }
}
