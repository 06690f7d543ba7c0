import { imageMatcher } from '../config/image-pattern.ts'
import type { Repositories, Repository } from './repositories.ts'

/** A hosted or proxy repository as a group sees it, whether named by the group itself or by a group in it. */
export interface Member {
  repository: Exclude<Repository, { type: 'group' }>
  /** Whether the member is asked for the image. */
  isAskedFor(image: string): boolean
  /** Why it is not; undefined when it is. For people. */
  whyNot(image: string): string | undefined
}

/**
 * The repositories that answer for a group: hosted ones first, then proxies, each in the order of the list. What our own database holds is cheap to ask and
 * must not be shadowed by whatever somebody else published under the same name.
 */
export function membersOf(group: Repository, repositories: Pick<Repositories, 'named'>): Member[] {
  const flat = flatten(group, repositories, [])
  const unique = flat.filter(
    ({ repository }, index) => flat.findIndex((other) => other.repository === repository) === index,
  )
  // The same repository by two ways is asked when either way leads to it.
  const members = unique.map(({ repository }): Member => {
    const ways = flat.filter((other) => other.repository === repository)
    const whyNot = (image: string) => {
      const reasons = ways.map((way) => way.whyNot(image))
      return reasons.includes(undefined) ? undefined : reasons[0]
    }
    return { repository, whyNot, isAskedFor: (image) => ways.some((way) => way.whyNot(image) === undefined) }
  })
  const isHosted = ({ repository }: Member) => repository.type === 'hosted'
  return [...members.filter(isHosted), ...members.filter((member) => !isHosted(member))]
}

type Way = Pick<Member, 'repository' | 'whyNot'>

function flatten(group: Repository, repositories: Pick<Repositories, 'named'>, way: readonly string[]): Way[] {
  if (group.type !== 'group' || way.includes(group.name)) return []
  const rules = group.members.map((member) => ({
    member,
    isWanted: imageMatcher(member.images),
    isExclusive: member.exclusive.length > 0 ? imageMatcher(member.exclusive) : () => false,
  }))
  const ownerOf = (image: string) => rules.filter(({ isExclusive }) => isExclusive(image))
  return rules.flatMap(({ member, isWanted, isExclusive }) => {
    const repository = repositories.named(member.repository)
    if (!repository) return []
    const whyNot = (image: string) => {
      if (repository.offline !== undefined) return `${repository.name} is offline: ${repository.offline}`
      if (!isWanted(image)) return `its images in ${group.name} are ${member.images.join(', ')}`
      const owners = isExclusive(image) ? [] : ownerOf(image)
      if (owners.length === 0) return undefined
      return `in ${group.name} it comes from ${owners.map((owner) => owner.member.repository).join(', ')} alone`
    }
    if (repository.type !== 'group') return [{ repository, whyNot }]
    const inner = flatten(repository, repositories, [...way, group.name])
    return inner.map((one) => ({ ...one, whyNot: (image: string) => whyNot(image) ?? one.whyNot(image) }))
  })
}
