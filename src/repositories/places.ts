import type { Decide, ReachOf, Target } from '../access/decide.ts'
import { createNetworks } from '../http/networks.ts'
import type { Client, Principal } from '../identity/principal.ts'
import { type Member, membersOf } from './members.ts'
import type { Repositories, Repository } from './repositories.ts'

/** Decisions that look also at where a request comes from (`allowFrom` of repositories). */
export interface Places {
  decide: Decide
  reachOf: ReachOf
  /** The principal as one who asks from there: the very same as long as no repository looks at it. Whoever was not asked this is nowhere, and refused by such repositories. */
  at<P extends Principal>(principal: P, client: Client): P
  /** Whether it is the place alone that an action is refused for: whoever may do it may be told. */
  isElsewhere(principal: Principal, action: Parameters<Decide>[1], target: Target): boolean
}

export interface PlacesOptions {
  repositories: Pick<Repositories, 'named' | 'looksAtAddresses'>
  decide: Decide
  reachOf: ReachOf
}

/**
 * Narrows decisions to the addresses that repositories are used from. An image of a group is refused, too, where a member that would be asked for it is: then what is
 * pulled under one name never depends on where one is.
 */
export function createPlaces({ repositories, decide, reachOf }: PlacesOptions): Places {
  const networks = new WeakMap<Repository, (address: string) => boolean>()
  const contents = new WeakMap<Repository, GroupContent>()

  function isOpenTo(repository: Repository, address: string | undefined): boolean {
    const { allowFrom, name } = repository
    if (allowFrom === undefined) return true
    if (address === undefined) return false
    let isListed = networks.get(repository)
    if (!isListed) {
      isListed = createNetworks(allowFrom, `allowFrom of ${name}:`)
      networks.set(repository, isListed)
    }
    return isListed(address)
  }

  /** Asked for in every request about a group. A group changes, as an object, with everything that is in it. */
  function contentOf(group: Repository): GroupContent {
    const known = contents.get(group)
    if (known) return known
    const found = groupContent(group, repositories)
    contents.set(group, found)
    return found
  }

  function isAllowedFrom(address: string | undefined, action: Parameters<Decide>[1], target: Target): boolean {
    const repository = repositories.named(target.repository)
    return !repository || concerned(repository, action, target.image, contentOf).every((one) => isOpenTo(one, address))
  }

  const may = (principal: Principal, action: Parameters<Decide>[1], target: Target) =>
    !repositories.looksAtAddresses || isAllowedFrom(principal.address, action, target)

  return {
    decide: (principal, action, target) =>
      decide(principal, action, target) && (target === undefined || may(principal, action, target)),
    reachOf(principal, name) {
      const repository = repositories.looksAtAddresses ? repositories.named(name) : undefined
      return repository && !isOpenTo(repository, principal.address) ? [] : reachOf(principal, name)
    },
    at: (principal, client) =>
      repositories.looksAtAddresses ? { ...principal, address: client.clientAddress } : principal,
    isElsewhere: (principal, action, target) => decide(principal, action, target) && !may(principal, action, target),
  }
}

/** The repositories with a list that have a say in whether something may be done to an image of a repository: for people who want to know. */
export function whoLooks(
  repository: Repository,
  action: Parameters<Decide>[1],
  image: string,
  repositories: Pick<Repositories, 'named'>,
): Repository[] {
  const all = concerned(repository, action, image, (group) => groupContent(group, repositories))
  return all.filter(({ allowFrom }) => allowFrom !== undefined)
}

/** What a group shows, and the groups that stand in between. */
interface GroupContent {
  members: Member[]
  groups: Repository[]
}

function concerned(
  repository: Repository,
  action: Parameters<Decide>[1],
  image: string,
  contentOf: (group: Repository) => GroupContent,
): Repository[] {
  if (repository.type !== 'group') return [repository]
  const { members, groups } = contentOf(repository)
  const written = action === 'push' || action === 'delete' ? repository.writableMember : undefined
  const asked = members.filter((member) => member.repository.name === written || member.isAskedFor(image))
  return [repository, ...groups, ...asked.map((member) => member.repository)]
}

function groupContent(group: Repository, repositories: Pick<Repositories, 'named'>): GroupContent {
  return { members: membersOf(group, repositories), groups: groupsIn(group, repositories, []) }
}

function groupsIn(group: Repository, repositories: Pick<Repositories, 'named'>, way: readonly string[]): Repository[] {
  if (group.type !== 'group' || way.includes(group.name)) return []
  const inner = group.members.map((member) => repositories.named(member.repository))
  const groups = inner.filter((one) => one?.type === 'group')
  return groups.flatMap((one) => (one ? [one, ...groupsIn(one, repositories, [...way, group.name])] : []))
}
