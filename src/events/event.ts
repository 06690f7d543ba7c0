/** Something that was done or tried, for those who want to know afterwards: the audit log first of all. */
export interface AppEvent {
  /** Noun and verb: `manifest.push`, `tag.delete`, `login`, `user.add`. Words of docs/audit.md. */
  action: string
  /** `done`: it happened. `denied`: whoever asked may not, or did not say who they are. */
  result: 'done' | 'denied'
  actor: Actor
  /** The repository it is about. */
  repository?: string | undefined
  /** What in it: `team/app:1.0`, `team/app@sha256:...`; or the name of a user, a grant. */
  object?: string | undefined
  requestId?: string | undefined
  /** What else is worth knowing, small: `{digest, size}`. Never a secret. */
  detail?: Readonly<Record<string, string | number | boolean>> | undefined
}

export interface Actor {
  kind: 'anonymous' | 'user' | 'robot' | 'system' | 'console'
  /** Empty for who is not known. Of a failed login: the name that was tried. */
  name: string
  /** Where they called from; empty when it was not over the network. */
  address: string
}

/** Takes what happened. Returns at once and never throws: nobody waits for an audit log to do what was asked. */
export type Tell = (event: AppEvent) => void
