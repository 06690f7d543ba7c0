import { createHmac, randomBytes } from 'node:crypto'
import type { UserRecord } from '../sources.ts'

/** Who logged in lately, for the time in which the directory cannot be asked. Nothing in it means anything outside this process. */
export interface OfflineUsers {
  remember(typed: string, password: string, user: UserRecord): void
  /** The user, and for how many more seconds they may go on; undefined when these credentials were not right lately. */
  recall(typed: string, password: string): { user: UserRecord; seconds: number } | undefined
  /** The directory said no. With a password, only if that was the one that was remembered: guessing makes nobody forgotten. */
  forget(typed: string, password?: string): void
}

const most = 10_000

/** Remembers for `graceMs`; nothing when that is 0. `now` is milliseconds on a clock that only goes forward. */
export function createOfflineUsers(graceMs: number, now: () => number): OfflineUsers {
  // As in the authenticator: a digest under a key of this process alone instead of a password.
  const key = randomBytes(32)
  const users = new Map<string, { digest: string; user: UserRecord; until: number }>()
  const digestOf = (typed: string, password: string) =>
    createHmac('sha256', key).update(`${typed}\0${password}`).digest('base64')

  return {
    remember(typed, password, user) {
      if (graceMs === 0) return
      users.delete(typed)
      users.set(typed, { digest: digestOf(typed, password), user, until: now() + graceMs })
      if (users.size > most) users.delete(users.keys().next().value!)
    },
    recall(typed, password) {
      const known = users.get(typed)
      if (!known || known.until <= now() || known.digest !== digestOf(typed, password)) return undefined
      return { user: known.user, seconds: Math.ceil((known.until - now()) / 1000) }
    },
    forget(typed, password) {
      const known = users.get(typed)
      if (password === undefined || known?.digest === digestOf(typed, password)) users.delete(typed)
    },
  }
}
