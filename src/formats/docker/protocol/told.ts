import type { Action } from '../../../access/decide.ts'
import { AppError } from '../../../errors.ts'
import type { Actor, AppEvent, Tell } from '../../../events/event.ts'
import type { Incoming } from '../../../http/incoming.ts'
import { nameTried } from '../../../identity/basic.ts'
import type { Principal } from '../../../identity/principal.ts'
import { isBearer } from './admit.ts'
import type { Resource } from './routes.ts'

/** Who is told what happened, and whether reading is worth telling. */
export interface Telling {
  tell: Tell
  pulls: boolean
  /** Whether a login is news: clients that keep a password log in again and again. Absent: none is. */
  isNews?: (login: string) => boolean
}

/** What a request turned out to be about, as far as it got. */
export interface Subject {
  action: Action
  resource: Resource | undefined
  repository: string | undefined
  image: string | undefined
  reference: string | undefined
}

const done: Partial<Record<Resource, Record<string, string>>> = {
  manifest: { PUT: 'manifest.push', DELETE: 'manifest.delete', GET: 'manifest.pull' },
  blob: { DELETE: 'blob.delete' },
}

/** Tells of a request that was answered: of changes always, of pulls when that is wanted. */
export function tellDone(telling: Telling, incoming: Incoming, subject: Subject, response: Response): void {
  if (response.status >= 300 || subject.resource === undefined) return
  const action = done[subject.resource]?.[incoming.method]
  if (action === undefined || (action === 'manifest.pull' && !telling.pulls)) return
  const digest = response.headers.get('docker-content-digest')
  telling.tell({ ...about(incoming, subject), action, result: 'done', ...(digest && { detail: { digest } }) })
}

/**
 * Tells of a request that was refused for want of permission. A client without credentials that is asked for them is no news, nor is one whose token has
 * expired or is for something else: it comes back with another one.
 */
export function tellDenied(telling: Telling, incoming: Incoming, subject: Subject | undefined, thrown: unknown): void {
  if (!(thrown instanceof AppError) || !['unauthenticated', 'denied', 'throttled'].includes(thrown.code)) return
  const credentials = incoming.headers.get('authorization') ?? undefined
  const hasPassword = credentials !== undefined && !isBearer(credentials)
  // A token says with the same status that another one is needed and that no other one will do.
  const { code, detail } = thrown.cause instanceof AppError && thrown.cause.code === 'denied' ? thrown.cause : thrown
  if (code === 'unauthenticated' && !hasPassword) return
  const isLogin = code !== 'denied'
  const action = isLogin ? 'login' : `${subject?.resource ?? 'registry'}.${subject?.action ?? 'enter'}`
  const isElsewhere = typeof detail === 'object' && detail !== null && 'address' in detail
  if (code === 'denied' && incoming.user === undefined && !isElsewhere) return
  telling.tell({
    ...about(incoming, subject),
    action,
    result: 'denied',
    detail: { why: isElsewhere ? 'address' : code },
  })
}

/** Tells that somebody has logged in with a password or an access token, which docker login does and then every pull and push. */
export function tellLogin({ tell, isNews }: Telling, incoming: Incoming, principal: Principal): void {
  if (principal.kind === 'anonymous' || principal.scopes || !isNews) return
  const { kind, name, credential = '' } = principal
  const actor: Actor = { kind, name, address: incoming.clientAddress }
  const source = credential.slice(0, credential.indexOf(':'))
  if (isNews(JSON.stringify([kind, name, actor.address, source])))
    tell({ action: 'login', result: 'done', actor, requestId: incoming.id, detail: { source } })
}

function about(incoming: Incoming, subject: Subject | undefined): Omit<AppEvent, 'action' | 'result'> {
  const { image, reference } = subject ?? {}
  return {
    actor: actorOf(incoming),
    repository: subject?.repository,
    object: image && reference ? `${image}${reference.includes(':') ? '@' : ':'}${reference}` : image,
    requestId: incoming.id,
  }
}

function actorOf(incoming: Incoming): Actor {
  const address = incoming.clientAddress
  if (incoming.user !== undefined) return { kind: 'user', name: incoming.user, address }
  return { kind: 'anonymous', name: nameTried(incoming.headers.get('authorization') ?? ''), address }
}
