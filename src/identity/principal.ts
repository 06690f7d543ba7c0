import type { Incoming, Origin } from '../http/incoming.ts'

/** Who asks. */
export type Principal = Anonymous | KnownPrincipal

export interface Anonymous {
  kind: 'anonymous'
  /** As of a known principal: of a token that was issued to nobody in particular. */
  scopes?: readonly Scope[]
  /** As of a known principal. */
  address?: string
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
  /** Which credential was shown, as `source:what the source calls it`: tokens that are issued for it die with it. */
  credential?: string
  /** Where this request comes from, as `clientAddress`; set only while there are repositories that look at it. */
  address?: string
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

/** What a challenge for a token says besides where to get one. */
export interface WantedToken {
  /** What the request needs: `repository:team/app:pull,push`. Undefined: nothing in particular. */
  scope?: string | undefined
  /** Why the token that was shown does not do (RFC 6750 section 3.1). Undefined: none was shown. */
  error?: 'invalid_token' | 'insufficient_scope' | undefined
  /** For people; docker shows it. */
  description?: string | undefined
}

/** Where a request comes from. Asked only when a password is really verified: finding the address out costs more than all the rest. */
export interface Client extends Partial<Pick<Incoming, 'peerAddress' | 'headers' | 'method' | 'origin'>> {
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
  /** Set where clients are to come with tokens: `WWW-Authenticate` value for one who reached us under this address. `challenge` stays right for pages. */
  readonly bearerChallenge?: ((origin: Origin, wanted: WantedToken) => string) | undefined
  close(): Promise<void>
}
