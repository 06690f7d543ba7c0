import type { Actor, AppEvent, Tell } from '../events/event.ts'
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
  return (incoming, caller, action, repository, object, detail) => {
    const actor = actorOf(caller, incoming)
    tell({ action, result: 'done', actor, repository, object, requestId: incoming.id, detail })
  }
}

/** The caller, for the audit log. */
export function actorOf({ principal }: Caller, { clientAddress: address }: Pick<Incoming, 'clientAddress'>): Actor {
  return { kind: principal.kind, name: principal.kind === 'anonymous' ? '' : principal.name, address }
}
