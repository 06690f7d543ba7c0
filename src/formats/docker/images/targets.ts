import type { Action, Decide, Target } from '../../../access/decide.ts'
import type { Principal } from '../../../identity/principal.ts'
import { membersOf } from '../../../repositories/members.ts'
import type { Repositories, Repository } from '../../../repositories/repositories.ts'
import { canonicalName } from '../../../upstream/names.ts'

/**
 * What has to be allowed before something is done to an image. Of a proxy, the name that its upstream knows: `mysql` and `library/mysql` of Docker Hub are one
 * image, and whoever may not have it by one name must not get it by the other. Of a group both names, because its members differ in what they make of the
 * short one.
 */
export function targetsOf(
  repository: Repository,
  image: string,
  action: Action,
  repositories: Pick<Repositories, 'named'>,
): Target[] {
  const { name } = repository
  const named = { repository: name, image }
  if (repository.type === 'hosted' || image.includes('/')) return [named]
  if (repository.type === 'proxy') return [{ repository: name, image: canonicalIn(repository, image) }]
  if (action !== 'pull') return [named]
  const others = membersOf(repository, repositories).map(({ repository: member }) =>
    member.type === 'proxy' ? canonicalIn(member, image) : image,
  )
  return [...new Set([image, ...others])].map((one) => ({ repository: name, image: one }))
}

/** Whether somebody may do this to an image. */
export function mayDo(
  { decide, repositories }: { decide: Decide; repositories: Pick<Repositories, 'named'> },
  principal: Principal,
  action: Action,
  { repository, image }: { repository: Repository; image: string },
): boolean {
  return targetsOf(repository, image, action, repositories).every((target) => decide(principal, action, target))
}

function canonicalIn({ upstream }: Extract<Repository, { type: 'proxy' }>, image: string): string {
  return canonicalName(image, new URL(upstream.url), upstream.libraryPrefix)
}
