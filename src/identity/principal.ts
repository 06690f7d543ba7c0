/** Who asks. */
export type Principal = Anonymous | KnownPrincipal

export interface Anonymous {
  kind: 'anonymous'
}

/** Somebody who has proved who they are. */
export interface KnownPrincipal {
  kind: 'user' | 'robot'
  name: string
  /** May administer the server, not only use it. Never true of a robot. */
  admin: boolean
  /** Names of the groups that the source of users says they are in, as written there. */
  groups: readonly string[]
  /** What the credential shown allows at most, whoever holds it: of a personal access token. Undefined: all that its owner may. */
  limits?: readonly Limit[]
  /** What a bearer token was issued for, in the names that the client used. Undefined: no bearer token was shown. */
  scopes?: readonly Scope[]
}

/** Part of what a credential is limited to. */
export interface Limit {
  /** A repository, or `*` for all. */
  repository: string
  /** Patterns of `imageMatcher`; empty: all images. */
  images: readonly string[]
  /** Actions of `access/decide.ts`. */
  actions: readonly string[]
}

/** One entry of the `access` claim of a token (distribution, "Token Authentication"). */
export interface Scope {
  type: string
  name: string
  actions: readonly string[]
}

export const anonymous: Anonymous = { kind: 'anonymous' }

/** Where a request comes from. Asked only when a password is really verified: finding the address out costs more than all the rest. */
export interface Client {
  readonly clientAddress: string
}

/**
 * Says who sent a request. One per server, made of the configured sources of users.
 * Throws `unauthenticated` for wrong credentials (never for absent ones), `throttled` after too many failures.
 */
export interface Authenticator {
  authenticate(credentials: string | undefined, client: Client): Principal | Promise<Principal>
  /** `WWW-Authenticate` value to send with a 401; undefined when everything is open. */
  readonly challenge: string | undefined
  close(): Promise<void>
}
