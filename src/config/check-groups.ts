import type { Check } from './check.ts'
import type { Settings } from './settings.ts'

type Declared = Settings['repositories'][number]

/** What is looked at: some repositories, and where problems go. */
export type GroupCheck = Pick<Check, 'wrong' | 'failed'> & {
  settings: Pick<Settings, 'repositories' | 'defaultRepository'>
}

/** Members of groups: that they exist, that no group is among its own, that pushes have somewhere to go. */
export function checkGroups(check: GroupCheck): void {
  const { repositories, defaultRepository } = check.settings
  if (check.failed('repositories')) return
  const byName = new Map(repositories.map((repository) => [repository.name, repository]))
  // The default one is made when nobody declares it.
  const isMade = (name: string) => name === 'private' && defaultRepository === 'private'
  for (const [index, repository] of repositories.entries()) {
    const path = `repositories[${index}]`
    if (repository.type === 'group') checkGroup(check, path, repository, { byName, isMade })
    else checkIsNoGroup(check, path, repository)
  }
  const told = new Set<string>()
  for (const [index, { name }] of repositories.entries()) {
    const cycle = cycleFrom(name, byName, [])
    // A cycle is one mistake, however many groups are in it.
    if (!cycle || cycle.some((one) => told.has(one))) continue
    for (const one of cycle) told.add(one)
    const shown = [...cycle, cycle[0]].join(' -> ')
    check.wrong(`repositories[${index}].members`, shown, 'makes a group a member of itself', 'take one of them out')
  }
}

interface Known {
  byName: ReadonlyMap<string, Declared>
  isMade: (name: string) => boolean
}

function checkGroup({ wrong }: GroupCheck, path: string, group: Declared, { byName, isMade }: Known): void {
  const { members, writableMember } = group
  if (members.length === 0) wrong(`${path}.members`, undefined, 'is missing', 'name the repositories of the group')
  const seen = new Set<string>()
  for (const [index, { repository: name }] of members.entries()) {
    const at = `${path}.members[${index}]`
    if (seen.has(name)) wrong(at, name, 'is a member twice', 'name it once')
    else if (!byName.has(name) && !isMade(name)) {
      const known = [...byName.keys()].filter((one) => one !== group.name).join(', ')
      wrong(at, name, 'is no repository', `declare it under repositories, or use one of: ${known}`)
    }
    seen.add(name)
  }
  if (writableMember === undefined) return
  const hosted = members
    .map(({ repository }) => repository)
    .filter((name) => (byName.get(name)?.type ?? 'hosted') === 'hosted')
  if (hosted.includes(writableMember)) return
  const reason = seen.has(writableMember) ? 'is not hosted: nothing can be pushed to it' : 'is no member of this group'
  const fix = hosted.length > 0 ? `use one of: ${hosted.join(', ')}` : 'add a hosted repository to members'
  wrong(`${path}.writableMember`, writableMember, reason, fix)
}

function checkIsNoGroup({ wrong }: GroupCheck, path: string, { members, writableMember }: Declared): void {
  const fix = 'set type: group, or leave it out'
  if (members.length > 0) wrong(`${path}.members`, undefined, 'is set although the repository is no group', fix)
  if (writableMember) wrong(`${path}.writableMember`, undefined, 'is set although the repository is no group', fix)
}

/** The groups from `name` round to it again. */
function cycleFrom(name: string, byName: Known['byName'], way: readonly string[]): string[] | undefined {
  const start = way.indexOf(name)
  if (start >= 0) return way.slice(start)
  for (const { repository } of byName.get(name)?.members ?? []) {
    const cycle = cycleFrom(repository, byName, [...way, name])
    if (cycle) return cycle
  }
  return undefined
}
