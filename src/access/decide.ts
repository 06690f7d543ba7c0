import type { Principal } from '../identity/principal.ts'

/** What can be done to a repository or an image in it, and may stand in a role. */
export const repositoryActions = [
  'pull',
  'push',
  'delete',
  'manage-members',
  'manage-policies',
  'manage-repository',
] as const
export type RepositoryAction = (typeof repositoryActions)[number]

/**
 * What a request wants to do. `enter` is the bare login check on `/v2/`, `list` asks for names (each of which is decided about), `observe` reads numbers about
 * the whole server, `administer` changes it.
 */
export type Action = RepositoryAction | 'enter' | 'list' | 'observe' | 'administer'

/** The thing it wants to do it to. Absent for `enter`, `list`, `observe` and `administer`. */
export interface Target {
  repository: string
  image: string
}

/** Decides one question. Pure: no I/O, no clock. */
export type Decide = (principal: Principal, action: Action, target?: Target) => boolean

/**
 * Beginnings of the names of all images in a repository that a principal may pull; of some they may not pull, too. Sorted, none begins with another.
 * Empty: no image can be pulled. One empty text: it may be any.
 */
export type ReachOf = (principal: Principal, repository: string) => readonly string[]

/** Everyone may do everything: `auth: none`. */
export const open: Decide = () => true

/** `auth.token`: what a token says is all there is to know, and protocols hold each request against it. Nothing is open to those without one. */
export const claimsOnly: Decide = ({ scopes }, action) => scopes !== undefined && claimable.includes(action)

const claimable: readonly Action[] = ['enter', 'pull', 'push', 'delete', 'list']
