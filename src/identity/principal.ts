/** Who asks. Later kinds (robot, ...) join here. */
export type Principal = { kind: 'anonymous' } | { kind: 'user'; name: string; admin: boolean }

export const anonymous: Principal = { kind: 'anonymous' }

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
