import type { Requirement } from '../../config/ldap-kinds.ts'
import { isSameDn } from './dn.ts'
import type { DirectoryUser } from './find-user.ts'
import type { DirectoryGroup } from './groups.ts'

/**
 * The first of some requirements that a user meets; undefined when it is none. Names are compared as directories do, without regard to
 * case, and what looks like a DN as a DN.
 */
export function metBy(
  requirements: readonly Requirement[],
  { name, entry }: DirectoryUser,
  groups: readonly DirectoryGroup[],
): Requirement | undefined {
  const isAmong = (wanted: readonly string[], is: { name: string; dn: string }) =>
    wanted.some((one) => one.toLowerCase() === is.name.toLowerCase() || (one.includes('=') && isSameDn(one, is.dn)))
  return requirements.find(({ of, names }) => {
    if (of === 'everyone') return true
    if (of === 'users') return isAmong(names, { name, dn: entry.dn })
    return groups.some((group) => isAmong(names, group))
  })
}
