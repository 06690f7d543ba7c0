import { z } from '@hono/zod-openapi'
import type { Action } from '../access/decide.ts'
import { AppError } from '../errors.ts'
import type { Images } from '../formats/docker/images/image-source.ts'
import { checkImageName } from '../formats/docker/images/names.ts'
import { mayDo } from '../formats/docker/images/targets.ts'
import { offlineRepository, type Repository } from '../repositories/repositories.ts'
import type { ApiParts } from './api.ts'
import type { Caller } from './caller.ts'

export const repositoryParams = z.object({ repository: z.string().max(128).openapi({ example: 'private' }) })
export const imageParams = repositoryParams.extend({
  image: z
    .string()
    .max(255)
    .openapi({ example: 'team/app', description: 'percent-encoded as one segment: `team%2Fapp`' }),
})

/**
 * The repository of a request about one of its images, once it is known that the caller may do this with the image. Whoever may not learns nothing: it is the
 * same answer whether there is such a thing.
 */
export function imageInRepository(
  { repositories, imagesOf, decide, places }: Pick<ApiParts, 'repositories' | 'imagesOf' | 'decide' | 'places'>,
  { principal }: Caller,
  action: Action,
  { repository: name, image }: { repository: string; image: string },
): { repository: Repository; images: Images; image: string } {
  checkImageName(image)
  const repository = repositories.named(name)
  const may = repository
    ? mayDo({ decide, repositories }, principal, action, { repository, image })
    : decide(principal, action, { repository: name, image })
  if (!may) {
    if (places?.isElsewhere(principal, action, { repository: name, image }))
      throw new AppError('denied', `not from ${principal.address || 'a local socket'}`)
    if (principal.kind === 'anonymous') throw new AppError('unauthenticated', 'log in first')
    throw new AppError('denied', `${principal.name} may not ${action} ${name}/${image}`)
  }
  if (!repository) throw new AppError('image-unknown', `there is no repository ${name}`)
  if (repository.offline !== undefined) throw offlineRepository(repository)
  return { repository, images: imagesOf(repository), image }
}

/** Whether the caller may pull anything from a repository. */
export function isVisible({ reachOf }: Pick<ApiParts, 'reachOf'>, { principal }: Caller, repository: string): boolean {
  return reachOf === undefined || reachOf(principal, repository).length > 0
}

/** The repository of this name. Throws `image-unknown` when there is none, and just so when it is none of the caller's business. */
export function visibleRepository(
  parts: Pick<ApiParts, 'repositories' | 'reachOf'>,
  caller: Caller,
  name: string,
): Repository {
  const repository = parts.repositories.named(name)
  if (repository && isVisible(parts, caller, name)) return repository
  throw new AppError('image-unknown', `there is no repository ${name}`)
}
