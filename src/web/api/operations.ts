// Written by deploy/write-api-types.ts from the OpenAPI document of the server.
export type System = { version: string; logins: { kind: 'password' | 'oidc'; label: string }[]; open: boolean }

export type Problem = { status: number; code: string; title: string; detail?: undefined | unknown; requestId: string }

export type Session = {
  user: { name: string; admin: boolean; groups: string[] }
  source: string
  csrf: string
  since: string
}

export type Login = { name: string; password: string }

export type AuditEvent = {
  id: number
  at: string
  action: string
  result: 'done' | 'denied'
  actor: { kind: string; name: string; address: string }
  repository: string
  object: string
  requestId: string
  times: number
  detail?: undefined | Record<string, unknown>
}

/** Every request there is. */
export interface Operations {
  /** Version, and how to log in */
  'GET /system': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: System
  }
  /** Log in with a password; sets a cookie */
  'POST /session': {
    params: Record<never, never>
    query: Record<never, never>
    body: Login
    answer: Session
  }
  /** Who this browser is */
  'GET /session': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Session
  }
  /** Log out */
  'DELETE /session': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: undefined
  }
  /** Who did what, the newest first */
  'GET /audit': {
    params: Record<never, never>
    query: {
      limit?: undefined | number /** as the `Link` to the next page has it */
      after?: undefined | string
      user?: undefined | string
      repository?: undefined | string /** whole, or with a star at the end: `manifest.*` */
      action?: undefined | string
      result?: undefined | 'done' | 'denied'
      since?: undefined | string
      until?: undefined | string
    }
    body: undefined
    answer: AuditEvent[]
  }
}
