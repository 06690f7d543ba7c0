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
  const contents = new WeakMap<Repository, { members: Member[]; groups: Repository[] }>()
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

  /** What a group shows, and the groups that stand in between. A group changes, as an object, with everything that is in it. */
  function contentOf(group: Repository) {
    const known = contents.get(group)
    if (known) return known
    const found = { members: membersOf(group, repositories), groups: groupsIn(group, []) }
    contents.set(group, found)
    return found
  }

  function groupsIn(group: Repository, way: readonly string[]): Repository[] {
    if (group.type !== 'group' || way.includes(group.name)) return []
    const inner = group.members.map((member) => repositories.named(member.repository))
    const groups = inner.filter((one) => one?.type === 'group')
    return groups.flatMap((one) => (one ? [one, ...groupsIn(one, [...way, group.name])] : []))
  }

  function isAllowedFrom(address: string | undefined, action: Parameters<Decide>[1], target: Target): boolean {
    const repository = repositories.named(target.repository)
    if (!repository) return true
    if (!isOpenTo(repository, address)) return false
    if (repository.type !== 'group') return true
    const { members, groups } = contentOf(repository)
    const written = action === 'push' || action === 'delete' ? repository.writableMember : undefined
    const isMeant = (member: Member) => member.repository.name === written || member.isAskedFor(target.image)
    return (
      groups.every((group) => isOpenTo(group, address)) &&
      members.every((member) => !isMeant(member) || isOpenTo(member.repository, address))
    )
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
