import * as fs from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../errors.ts'
import type { Log } from '../telemetry/log.ts'
import { createSecretFile, readTextFile, removeFile } from './durable-file.ts'
import type { UserStore } from './local-users.ts'
import { hashPassword, randomPassword, verifyPassword } from './passwords.ts'

/** What the start-up banner shows of the admin that this start created. */
export interface FirstAdmin {
  name: string
  password: string
  /** Where the password stands until somebody deletes the file. */
  file: string
}

/** The parts that take part in creating the first admin. */
export interface FirstAdminOptions {
  store: UserStore
  dataDir: string
  log: Log
}

const name = 'admin'
const shortest = 8

/**
 * Creates `admin` when there is no user at all; undefined when there is one already, or another instance was faster.
 *
 * The password is in `<dataDir>/admin.password` (mode 0600) before the user exists, so a crash in between loses nothing: a file that
 * is found without any user holds the password of the admin to be. That also lets an operator put one there beforehand, and makes
 * two instances on one folder agree. A user without a file is the normal end: the password was read and the file deleted.
 * Throws `unavailable` when the file cannot be used.
 */
export async function createFirstAdmin({ store, dataDir, log }: FirstAdminOptions): Promise<FirstAdmin | undefined> {
  if ((await store.count()) > 0) return undefined
  const file = join(dataDir, 'admin.password')
  fs.mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const random = randomPassword()
  const ours = createSecretFile(file, `${random}\n`)
  const password = ours ? random : passwordIn(file, log)

  if (await store.add({ name, admin: true, passwordHash: await hashPassword(password) }))
    return { name, password, file }

  // Another instance was faster. On the same folder it used this very file; elsewhere its password is in its own.
  const admin = await store.find(name)
  const agreed = admin !== undefined && (await verifyPassword(password, admin.passwordHash))
  if (ours && !agreed) removeFile(file)
  return undefined
}

function passwordIn(file: string, log: Log): string {
  const found = readFile(file)
  if (!found) throw new AppError('unavailable', `${file} was there and is gone; start again`)
  const password = found.text.trim()
  if (password.length < shortest || /[\p{Cc}]/u.test(password))
    throw new AppError(
      'unavailable',
      `${file} should hold the password of the first admin, one line of ${shortest} characters or more; write one, or delete the file to get a random one`,
    )
  if (found.stats.mode & 0o077) log.warn(`others can read the first admin's password; run: chmod 600 ${file}`, { file })
  log.info('there are no users yet: admin gets the password that is in this file', { file })
  return password
}

function readFile(file: string) {
  try {
    return readTextFile(file)
  } catch (cause) {
    throw new AppError(
      'unavailable',
      `${file} holds the password of the first admin and cannot be read: ${(cause as Error).message}`,
      { cause },
    )
  }
}
