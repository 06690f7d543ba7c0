import type { Place } from '../../../content/content.ts'
import { membersOf } from '../../../repositories/members.ts'
import type { Repositories, Repository } from '../../../repositories/repositories.ts'
import { canonicalName } from '../../../upstream/names.ts'

/** Where in our own blob stores the content of an image can be: of a group, in each member that is asked for it. */
export function placesOf(repository: Repository, image: string, repositories: Pick<Repositories, 'named'>): Place[] {
  if (repository.type !== 'group') return [placeIn(repository, image)]
  const asked = membersOf(repository, repositories).filter(({ isAskedFor }) => isAskedFor(image))
  return asked.map((member) => placeIn(member.repository, image))
}

/** Where the content of an image of a hosted repository is, or the cached content of one of a proxy. */
export function placeIn({ id, store, ...repository }: Exclude<Repository, { type: 'group' }>, image: string): Place {
  if (repository.type === 'hosted') return { repositoryId: id, store, image }
  const { url, libraryPrefix } = repository.upstream
  return { repositoryId: id, store, image: canonicalName(image, new URL(url), libraryPrefix) }
}
