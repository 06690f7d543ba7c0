import type { Principal } from '../identity/principal.ts'

/** What a request wants to do. `enter` is the bare login check on `/v2/`; `observe` reads numbers about the whole server. */
export type Action = 'enter' | 'pull' | 'push' | 'delete' | 'list' | 'observe'

/** The thing it wants to do it to. Absent for `enter`, `list` and `observe`. */
export interface Target {
  repository: string
  image: string
}

/** Decides one question. Pure: no I/O, no clock. */
export type Decide = (principal: Principal, action: Action, target?: Target) => boolean

/** Everyone may do everything: `auth: none`. */
export const open: Decide = () => true

/** Whoever is known may do everything: htpasswd files and the first admin, as in registry:2. */
export const usersOnly: Decide = (principal) => principal.kind !== 'anonymous'
