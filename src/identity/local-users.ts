import { fingerprint } from './fingerprint.ts'
import { hashPassword, randomPassword, verifyPassword } from './passwords.ts'
import type { UserRecord, UserSource } from './sources.ts'

/** A user of our own, as stored. */
export interface LocalUser {
  name: string
  admin: boolean
  /** As `hashPassword` makes it. Never leaves the server. */
  passwordHash: string
}

/** Where local users are kept. Names are compared exactly. */
export interface UserStore {
  find(name: string): Promise<LocalUser | undefined>
  /** By name. */
  list(): Promise<LocalUser[]>
  /** Stores a new user; false, changing nothing, when the name is taken. Of several at once, in any process, one succeeds. */
  add(user: LocalUser): Promise<boolean>
  /** False when there is no such user: never brings back one who was removed meanwhile. */
  setPasswordHash(name: string, passwordHash: string): Promise<boolean>
  /** False when there was none. */
  remove(name: string): Promise<boolean>
  count(): Promise<number>
}

/** The local users as a source, and the only way to change them: what is done here holds at once for the next request of this instance. */
export interface LocalUsers extends UserSource {
  /** False when the name is taken. The name must have passed `problemWithUserName`. */
  add(user: { name: string; password: string; admin: boolean }): Promise<boolean>
  /** False when there is no such user. */
  setPassword(name: string, password: string): Promise<boolean>
  /** False when there is no such user. */
  remove(name: string): Promise<boolean>
  /** Runs a larger change of users, so that it holds at once here. */
  changing<T>(change: Promise<T>): Promise<T>
}

/** The source of users that live in the database. */
export function createLocalUsers(store: UserStore): LocalUsers {
  let generation = 0
  let decoyHash: Promise<string> | undefined

  async function changing<T>(change: Promise<T>): Promise<T> {
    try {
      return await change
    } finally {
      // Also after a failure: a change whose answer got lost may have been made.
      generation++
    }
  }

  return {
    name: 'local',
    changing,
    generation: () => generation,
    async verify(username, password) {
      const user = await store.find(username)
      if (!user) return 'unknown'
      return (await verifyPassword(password, user.passwordHash)) ? recordOf(user) : 'wrong'
    },
    async find(username, credential) {
      const user = await store.find(username)
      const record = user && recordOf(user)
      return credential === undefined || record?.credential === credential ? record : undefined
    },
    async decoy(_username, password) {
      decoyHash ??= hashPassword(randomPassword())
      await verifyPassword(password, await decoyHash)
    },
    async add({ name, password, admin }) {
      const passwordHash = await hashPassword(password)
      return changing(store.add({ name, admin, passwordHash }))
    },
    async setPassword(name, password) {
      const passwordHash = await hashPassword(password)
      return changing(store.setPasswordHash(name, passwordHash))
    },
    remove: (name) => changing(store.remove(name)),
    close: async () => {},
  }
}

function recordOf({ name, admin, passwordHash }: LocalUser): UserRecord {
  return { name, admin, credential: fingerprint(passwordHash) }
}
