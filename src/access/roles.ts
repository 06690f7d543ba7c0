import { type RepositoryAction, repositoryActions } from './decide.ts'

/** A name for a set of actions. */
export interface Role {
  name: string
  actions: readonly RepositoryAction[]
  builtIn: boolean
}

/** By name. */
export type Roles = ReadonlyMap<string, Role>

const builtIn: Role[] = [
  { name: 'maintainer', actions: repositoryActions, builtIn: true },
  { name: 'developer', actions: ['pull', 'push'], builtIn: true },
  { name: 'reader', actions: ['pull'], builtIn: true },
]

/** The built-in roles and these. A built-in one cannot be given another meaning: whoever reads a grant must be able to rely on its word. */
export function rolesWith(custom: readonly { name: string; actions: readonly RepositoryAction[] }[]): Roles {
  const own = custom.map(({ name, actions }) => ({ name, actions: [...new Set(actions)], builtIn: false }))
  return new Map([...own, ...builtIn].map((role) => [role.name, role]))
}
