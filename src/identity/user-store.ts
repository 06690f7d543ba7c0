import type { Database } from '../database/database.ts'
import {
  countUsers,
  deleteUser,
  findUser,
  insertUser,
  listUsers,
  setPassword,
  type UserRow,
} from '../database/users.ts'
import type { LocalUser, UserStore } from './local-users.ts'

/** The local users of a database, shared by every instance on it. */
export function databaseUserStore(db: Database): UserStore {
  return {
    async find(name) {
      const row = await findUser(db, name)
      return row && toUser(row)
    },
    list: async () => (await listUsers(db)).map(toUser),
    add: ({ name, admin, passwordHash }) =>
      insertUser(db, { name, admin: admin ? 1 : 0, password_hash: passwordHash, created_at: Date.now() }),
    setPasswordHash: (name, passwordHash) => setPassword(db, name, passwordHash),
    remove: (name) => deleteUser(db, name),
    count: () => countUsers(db),
  }
}

function toUser({ name, admin, password_hash }: UserRow): LocalUser {
  return { name, admin: admin === 1, passwordHash: password_hash }
}
