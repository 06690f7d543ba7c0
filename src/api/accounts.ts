import type { RepositoryAction } from '../access/decide.ts'
import { AppError } from '../errors.ts'
import type { Accounts } from '../identity/open-identity.ts'
import { type PasswordPolicy, problemWithPassword } from '../identity/password-policy.ts'
import type { KnownPrincipal, Limit } from '../identity/principal.ts'
import type { ApiParts } from './api.ts'
import type { Caller } from './caller.ts'
import { mayInAll } from './endpoint.ts'

/** The accounts of this server. Throws `policy-refused` where there are none. */
export function accountsOf({ accounts, isOpen }: Pick<ApiParts, 'accounts' | 'isOpen'>): Accounts {
  if (accounts) return accounts
  const why = isOpen ? 'auth is none: everyone may do everything' : 'another server says who may enter (auth.token)'
  throw new AppError('policy-refused', `there are no accounts here: ${why}`)
}

/** Somebody who acts for themselves, with all that they may. Throws `denied` for who shows a limited token: it must not lead to a better one. */
export function wholeCaller({ principal }: Caller): KnownPrincipal {
  if (principal.kind === 'anonymous') throw new AppError('unauthenticated', 'log in first')
  if (principal.limits && principal.kind === 'user')
    throw new AppError('denied', 'a limited access token is not good for this: log in with the password')
  return principal
}

/** The first of these limits that allows more than the caller may; undefined when none does. */
export function beyond(
  { decide }: Pick<ApiParts, 'decide'>,
  { principal }: Caller,
  limits: readonly Limit[],
): { action: string; repository: string } | undefined {
  for (const { repository, actions } of limits)
    for (const action of actions)
      if (!mayInAll(decide, principal, action as RepositoryAction, repository)) return { action, repository }
  return undefined
}

const longestPassword = 1000

/** Throws `request-invalid` for a password that is none, or that is guessed too easily. */
export function checkPassword(password: string, name: string, policy: PasswordPolicy): void {
  const invalid = (message: string) => new AppError('request-invalid', `password: ${message}`)
  const problem = problemWithPassword(password, name, policy)
  if (problem) throw invalid(problem)
  if (Buffer.byteLength(password) > longestPassword) throw invalid(`it is longer than ${longestPassword} bytes`)
  // RFC 7617 section 2 forbids them in credentials: it could be stored and never sent.
  if (/\p{Cc}/u.test(password)) throw invalid('leave out line breaks and control characters')
}
