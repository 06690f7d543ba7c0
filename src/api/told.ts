import type { AppEvent, Tell } from '../events/event.ts'
import type { Incoming } from '../http/incoming.ts'
import type { Caller } from './caller.ts'

/** Tells of a change that the caller has made. `action` is one of docs/audit.md. */
export type TellChange = (
  incoming: Incoming,
  caller: Caller,
  action: string,
  repository: string,
  object: string,
  detail?: AppEvent['detail'],
) => void

export function changesTold(tell: Tell): TellChange {
  return (incoming, { principal }, action, repository, object, detail) => {
    const name = principal.kind === 'anonymous' ? '' : principal.name
    const actor = { kind: principal.kind, name, address: incoming.clientAddress }
    tell({ action, result: 'done', actor, repository, object, requestId: incoming.id, detail })
  }
}
