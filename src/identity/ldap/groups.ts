import type { Connection, Say } from './connection.ts'
import { isWithin, nameInDn } from './dn.ts'
import { filterFor } from './filters.ts'
import type { DirectoryUser } from './find-user.ts'
import type { DirectorySettings } from './settings.ts'

/** A group that a user is in. */
export interface DirectoryGroup {
  name: string
  dn: string
}

const most = 2000

/** The groups of a user, each once: those that their entry lists, and those that are found by a search. Throws `DirectoryTrouble`. */
export async function groupsOf(
  connection: Connection,
  { groups }: DirectorySettings,
  { entry, name: user }: DirectoryUser,
  say: Say,
): Promise<DirectoryGroup[]> {
  const { base, scope, memberOf } = groups
  const found = new Map<string, DirectoryGroup>()
  const add = (group: DirectoryGroup, rule: string) => {
    const key = group.dn.toLowerCase()
    if (!found.has(key)) say(`group ${group.name}: ${group.dn}, ${rule}`)
    found.set(key, found.get(key) ?? group)
  }
  for (const dn of entry.values(memberOf)) {
    // Names of groups are unique only within the part of the directory that is trusted with them.
    if (base !== undefined && !isWithin(dn, base)) say(`not counted: ${dn}, in ${memberOf}, is not below ${base}`)
    else add({ dn, name: nameInDn(dn) ?? dn }, `in ${memberOf} of the user`)
  }
  if (base !== undefined) {
    const filter = filterFor(groups.filter, { user, dn: entry.dn })
    say(`search for groups: base ${base}, scope ${scope}, filter ${filter}`)
    const entries = await connection.search({ base, scope, filter, attributes: [groups.name], limit: most })
    for (const group of entries)
      add({ dn: group.dn, name: nameOf(group.dn, group.values(groups.name)) }, 'by the search')
    if (entries.length >= most) say(`there are more than ${most} groups; the rest is not counted`)
  }
  if (found.size === 0) say('in no group')
  return [...found.values()]
}

/** The value that the DN is made of, where the attribute has several. */
function nameOf(dn: string, names: string[]): string {
  const inDn = nameInDn(dn) ?? dn
  return names.includes(inDn) ? inDn : (names[0] ?? inDn)
}
