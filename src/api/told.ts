import { AppError } from '../errors.ts'
import type { Actor, AppEvent, Tell } from '../events/event.ts'
import type { Incoming } from '../http/incoming.ts'
import { nameTried } from '../identity/basic.ts'
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

/**
 * Tells of a request that was refused for want of permission, or for credentials that do not hold. Who is only asked to log in is no news. `name`: who they said
 * they are, where it does not stand in the `Authorization` header.
 */
export function tellRefused(tell: Tell, incoming: Refused, thrown: unknown, name?: string): void {
  if (!(thrown instanceof AppError) || !['unauthenticated', 'denied', 'throttled'].includes(thrown.code)) return
  const { headers, user, clientAddress: address, id: requestId, method, path } = incoming
  const tried = name ?? nameTried(headers.get('authorization') ?? '')
  const isLogin = thrown.code !== 'denied'
  if (isLogin ? !tried : user === undefined) return
  const actor = isLogin ? { kind: 'anonymous', name: tried, address } : { kind: 'user', name: user ?? '', address }
  tell({
    action: isLogin ? 'login' : 'api.request',
    result: 'denied',
    actor: actor as AppEvent['actor'],
    object: isLogin ? undefined : `${method} ${path}`,
    requestId,
    detail: { why: thrown.code },
  })
}

type Refused = Pick<Incoming, 'headers' | 'user' | 'clientAddress' | 'id' | 'method' | 'path'>

/** The caller, for the audit log. */
export function actorOf({ principal }: Caller, { clientAddress: address }: Pick<Incoming, 'clientAddress'>): Actor {
  return { kind: principal.kind, name: principal.kind === 'anonymous' ? '' : principal.name, address }
}
