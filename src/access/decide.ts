import { imageMatcher } from '../config/image-pattern.ts'
import type { Limit, Principal } from '../identity/principal.ts'

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

/**
 * Users may do everything: htpasswd files and the first admin, as in registry:2. Who comes with a limited credential may do what that says and no more, and a
 * robot has nothing but its limits.
 */
export const usersOnly: Decide = (principal, action, target) => {
  if (principal.kind === 'anonymous') return false
  const { kind, limits } = principal
  if (!limits) return kind === 'user'
  if (action === 'enter' || action === 'list') return true
  return target !== undefined && covers(limits, action, target)
}

/** `auth.token`: what a token says is all there is to know, and protocols hold each request against it. Nothing is open to those without one. */
export const claimsOnly: Decide = ({ scopes }, action) => scopes !== undefined && claimable.includes(action)

const claimable: readonly Action[] = ['enter', 'pull', 'push', 'delete', 'list']

/** Whether one of the limits allows an action on an image. */
export function covers(limits: readonly Limit[], action: Action, { repository, image }: Target): boolean {
  return limits.some(
    (limit) =>
      (limit.repository === '*' || limit.repository === repository) &&
      limit.actions.includes(action) &&
      matcherOf(limit)(image),
  )
}

/** Principals are remembered, and their limits with them: each is compiled once. */
const matchers = new WeakMap<Limit, (image: string) => boolean>()

function matcherOf(limit: Limit): (image: string) => boolean {
  const known = matchers.get(limit)
  if (known) return known
  const made = imageMatcher(limit.images)
  matchers.set(limit, made)
  return made
}
