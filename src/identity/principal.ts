/** Who asks. Later kinds (robot, ...) join here. */
export type Principal = { kind: 'anonymous' } | { kind: 'user'; name: string; admin: boolean }

export const anonymous: Principal = { kind: 'anonymous' }

/**
 * Says who sent a request. One per server, made of the configured sources of users.
 * Throws `unauthenticated` for wrong credentials (never for absent ones), `throttled` after too many failures.
 */
export interface Authenticator {
  authenticate(credentials: string | undefined, clientAddress: string): Principal | Promise<Principal>
  /** `WWW-Authenticate` value to send with a 401; undefined when everything is open. */
  readonly challenge: string | undefined
  close(): Promise<void>
}
