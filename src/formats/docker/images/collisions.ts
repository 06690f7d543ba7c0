import type { Repositories, Repository } from '../../../repositories/repositories.ts'
import type { Log } from '../../../telemetry/log.ts'
import type { ImageSource } from './image-source.ts'

/** An image of the default repository that nobody can reach by its name. */
export interface Collision {
  /** The repository that is meant by the first segment of the name. */
  repository: string
  image: string
}

/** One image for each repository whose name is the first segment of images in the default one. */
export async function findCollisions(
  repositories: Pick<Repositories, 'all' | 'default'>,
  imagesOf: (repository: Repository) => Pick<ImageSource, 'images'>,
): Promise<Collision[]> {
  const images = imagesOf(repositories.default)
  const collisions: Collision[] = []
  for (const { name } of repositories.all()) {
    const [image] = await images.images({ last: `${name}/`, limit: 1 })
    if (image?.startsWith(`${name}/`)) collisions.push({ repository: name, image })
  }
  return collisions
}

/** Says so in the log. */
export async function tellCollisions(
  repositories: Pick<Repositories, 'all' | 'default'>,
  imagesOf: (repository: Repository) => Pick<ImageSource, 'images'>,
  log: Log,
): Promise<void> {
  for (const { repository, image } of await findCollisions(repositories, imagesOf))
    log.warn(
      `${image} in ${repositories.default.name} cannot be reached by this name: ${repository} at its start means the repository ${repository}`,
      { fix: 'rename the repository, or push the image under another name' },
    )
}
