import type { Principal } from '../../../identity/principal.ts'
import type { Repositories, Repository } from '../../../repositories/repositories.ts'
import type { Page } from '../images/image-source.ts'
import type { ProtocolParts } from './call.ts'

/** What stands before the images of a repository in a list: nothing for the default one. */
export function listPrefix(repositories: Repositories, repository: Repository): string {
  return repository === repositories.default ? '' : `${repository.name}/`
}

/**
 * Names, as clients write them, of the images from `list` that the caller may pull: at least one more than the page where there are as many, so
 * that what the caller may not see does not shorten it. Images of the default repository that are hidden behind a repository called like their
 * first segment are left out: by that name something else would be pulled.
 */
export async function visibleNames(
  { repositories, decide }: Pick<ProtocolParts, 'repositories' | 'decide'>,
  principal: Principal,
  repository: Repository,
  list: (page: Page) => Promise<string[]>,
  { last, limit }: Page,
): Promise<string[]> {
  const prefix = listPrefix(repositories, repository)
  const names: string[] = []
  let after: string | undefined = last
  while (after !== undefined && names.length <= limit) {
    const images: string[] = await list({ last: after, limit: limit + 1 })
    for (const image of images) {
      const located = repositories.locate(prefix + image)
      if (located.repository !== repository || located.image !== image) continue
      if (decide(principal, 'pull', { repository: repository.name, image })) names.push(prefix + image)
    }
    after = images.length > limit ? images.at(-1) : undefined
  }
  return names
}
