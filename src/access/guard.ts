import { AppError, type ErrorCode } from '../errors.ts'
import { plainAnswer } from '../http/compose.ts'
import type { Handler, Incoming } from '../http/incoming.ts'
import type { Authenticator } from '../identity/principal.ts'
import type { Action, Decide } from './decide.ts'

/** Who is asked and what they may do: the same as the protocols work with. */
export interface GuardParts {
  authenticator: Authenticator
  decide: Decide
}

/** What can stop someone at the door, with the status it has in HTTP itself. */
const statuses: Partial<Record<ErrorCode, number>> = {
  unauthenticated: 401,
  denied: 403,
  throttled: 429,
  unavailable: 503,
}

/**
 * `handler` for those who may do `action`, whatever the protocol; everyone else gets a line of text with 401 and a challenge, 403, 429 or
 * 503. For pages beside the protocols, which have an error form of their own.
 */
export function guarded(action: Action, handler: Handler, parts: GuardParts): Handler {
  return async (incoming) => {
    try {
      await admit(action, incoming, parts)
    } catch (error) {
      const status = error instanceof AppError ? statuses[error.code] : undefined
      if (!(error instanceof AppError) || status === undefined) throw error
      const answer = plainAnswer(status, `${error.message}\n`)
      for (const [name, value] of Object.entries(error.headers)) answer.headers.set(name, value)
      return answer
    }
    return handler(incoming)
  }
}

async function admit(action: Action, incoming: Incoming, { authenticator, decide }: GuardParts): Promise<void> {
  const credentials = incoming.headers.get('authorization') ?? undefined
  const principal = await authenticator.authenticate(credentials, incoming)
  if (principal.kind !== 'anonymous') incoming.user = principal.name
  if (decide(principal, action)) return
  if (principal.kind !== 'anonymous') throw new AppError('denied', `${principal.name} may not ${action} here`)
  const { challenge } = authenticator
  throw new AppError('unauthenticated', 'log in first, as on the registry itself', {
    headers: challenge === undefined ? {} : { 'www-authenticate': challenge },
  })
}
