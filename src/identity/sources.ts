import type { Limit } from './principal.ts'

/** A user as a source of users knows them. */
export interface UserRecord {
  name: string
  /** May administer the server, not only use it. */
  admin: boolean
  /** Groups they are in, as the source names them. */
  groups?: readonly string[]
  /** Default: `user`. */
  kind?: 'user' | 'robot'
  /** What the credential that was shown allows at most. */
  limits?: readonly Limit[]
  /** What the source calls the credential that was shown: a word of its own that changes when the password does. Never the secret itself. */
  credential?: string
}

/** What a source makes of a name and a password: the user, a name it does not have, or a password that is not theirs. */
export type Verdict = UserRecord | 'unknown' | 'wrong'

/**
 * One place where users are kept: an htpasswd file, the database, a directory server. The first source that knows a
 * name decides about it, so that nobody can enter as `admin` by being called that somewhere else.
 */
export interface UserSource {
  /** For logs: `htpasswd`, `local`. */
  readonly name: string
  /** Passwords are checked by another machine: it may be slow, and takes none of our cores. Default: here. */
  readonly remote?: boolean
  /**
   * A number that grows whenever a verdict given earlier may no longer hold: a user was removed, a password changed. Asked for
   * every request that carries credentials, so it must be cheap and synchronous.
   */
  generation(): number
  /**
   * Checks off the event loop. `unknown` is answered without delay: hiding it is what `decoy` is for. An empty password is never right.
   * Rejects when the source cannot tell (`unavailable`, `identity-unavailable`); then nobody enters, because a later source might know
   * the name as somebody else.
   */
  verify(username: string, password: string): Promise<Verdict>
  /** Does as much work as a refusing `verify` would, so that the time of an answer does not tell which names exist where. */
  decoy(username: string, password: string): Promise<void>
  /**
   * The user as the source knows them now, without a password; undefined: gone, disabled, or `credential` (of a record from here) is no longer good. Absent where
   * the source cannot tell without a password: then tokens of its users hold until they expire, and none that lasts is given.
   */
  find?(username: string, credential?: string): Promise<UserRecord | undefined>
  close(): Promise<void>
}

/** Whether any of some sources has a user of this name. Rejects when one of them cannot tell. */
export async function isKnown(name: string, sources: readonly UserSource[]): Promise<boolean> {
  // No password: this is about the name alone.
  for (const source of sources) if ((await source.verify(name, '')) !== 'unknown') return true
  return false
}
