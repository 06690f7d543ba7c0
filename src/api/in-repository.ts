import { z } from '@hono/zod-openapi'
import type { Action } from '../access/decide.ts'
import { AppError } from '../errors.ts'
import type { Images } from '../formats/docker/images/image-source.ts'
import { checkImageName } from '../formats/docker/images/names.ts'
import type { Repository } from '../repositories/repositories.ts'
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
  { repositories, imagesOf, decide }: Pick<ApiParts, 'repositories' | 'imagesOf' | 'decide'>,
  { principal }: Caller,
  action: Action,
  { repository: name, image }: { repository: string; image: string },
): { repository: Repository; images: Images; image: string } {
  checkImageName(image)
  if (!decide(principal, action, { repository: name, image })) {
    if (principal.kind === 'anonymous') throw new AppError('unauthenticated', 'log in first')
    throw new AppError('denied', `${principal.name} may not ${action} ${name}/${image}`)
  }
  const repository = repositories.named(name)
  if (!repository) throw new AppError('image-unknown', `there is no repository ${name}`)
  return { repository, images: imagesOf(repository), image }
}
