import { AppError } from '../errors.ts'
import { readTextFile } from '../identity/durable-file.ts'
import { parseHtpasswd, withoutUser, withUser } from '../identity/htpasswd.ts'
import { editHtpasswd } from '../identity/htpasswd-edit.ts'
import { type PasswordPolicy, problemWithPassword } from '../identity/password-policy.ts'
import { hashForHtpasswd, randomPassword } from '../identity/passwords.ts'
import { problemWithUserName } from '../identity/user-name.ts'
import type { CommandIo } from './io.ts'

/** Where the users are that a command is about. Those of the database have commands of their own in `local-user.ts`. */
export interface UserPlace {
  /** `--htpasswd FILE` */
  htpasswd?: string | undefined
}

const longestPassword = 4096

/**
 * `entrepot user add NAME --htpasswd FILE [--password-stdin]`: adds a user or changes their password, creating the file (mode 0600)
 * if there is none. Without `--password-stdin` the password is random and the only thing on standard output.
 * Returns the exit code: 0 done, 1 could not, 2 misused.
 */
export function addUser(
  options: UserPlace & { name: string; passwordStdin?: boolean | undefined; policy?: PasswordPolicy | undefined },
  io: CommandIo,
): Promise<number> {
  return reporting(io, async () => {
    const file = fileOf(options)
    const { name } = options
    const problem = problemWithUserName(name)
    if (problem) throw new AppError('request-invalid', `${problem}: ${JSON.stringify(name)}`)
    const password = options.passwordStdin ? await passwordFrom(io.stdin) : randomPassword()
    refuseWeak(password, name, options.policy ?? { minLength: 8 })
    const hash = await hashForHtpasswd(password)
    let known = false
    const edited = await editHtpasswd(file, (text) => {
      known = parseHtpasswd(text).entries.has(name)
      return withUser(text, name, hash)
    })
    if (edited === 'created') io.err.write(`Created ${file}, which only its owner can read (mode 0600).\n`)
    io.err.write(known ? `Changed the password of ${name}.\n` : `Added ${name}.\n`)
    if (!options.passwordStdin) io.out.write(`${password}\n`)
    return 0
  })
}

/** `entrepot user remove NAME --htpasswd FILE`. Returns the exit code: 1 also when there is no such user. */
export function removeUser(options: UserPlace & { name: string }, io: CommandIo): Promise<number> {
  return reporting(io, async () => {
    const file = fileOf(options)
    textOf(file)
    const edited = await editHtpasswd(file, (text) => withoutUser(text, options.name))
    if (edited === 'unchanged') {
      io.err.write(`There is no user ${JSON.stringify(options.name)} in ${file}.\n`)
      return 1
    }
    io.err.write(`Removed ${options.name}.\n`)
    return 0
  })
}

/** `entrepot user list --htpasswd FILE`: a line for each user, name and kind of hash with a tab between; warnings go to standard error. */
export function listUsers(options: UserPlace, io: CommandIo): Promise<number> {
  return reporting(io, async () => {
    const { entries, warnings } = parseHtpasswd(textOf(fileOf(options)))
    for (const { name, kind } of entries.values()) io.out.write(`${name}\t${kind}\n`)
    for (const warning of warnings) io.err.write(`Warning: ${warning}.\n`)
    return 0
  })
}

/** Tells a person what went wrong: 2 for what they wrote, 1 for everything else. */
export async function reporting(io: CommandIo, work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    io.err.write(`${error.message}\n`)
    return error.code === 'request-invalid' ? 2 : 1
  }
}

/** Throws `request-invalid` for a password that is too easily guessed. */
export function refuseWeak(password: string, name: string, policy: PasswordPolicy): void {
  const problem = problemWithPassword(password, name, policy)
  if (problem)
    throw new AppError('request-invalid', `${problem}: choose another, or leave out --password-stdin for a random one`)
}

function fileOf({ htpasswd }: UserPlace): string {
  if (!htpasswd) throw new AppError('request-invalid', 'say which file the users are in: --htpasswd FILE')
  return htpasswd
}

function textOf(file: string): string {
  let found: ReturnType<typeof readTextFile>
  try {
    found = readTextFile(file)
  } catch (cause) {
    throw new AppError('unavailable', `cannot read ${file}: ${(cause as Error).message}`, { cause })
  }
  if (!found) throw new AppError('unavailable', `there is no file ${file}`)
  return found.text
}

/** The password on standard input, without the line break. Throws `request-invalid` for what is none. */
export async function passwordFrom(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stdin) {
    chunks.push(chunk)
    length += chunk.length
    if (length > longestPassword) throw new AppError('request-invalid', 'standard input is too long for a password')
  }
  const bytes = Buffer.concat(chunks)
  const password = bytes.toString('utf8').replace(/\r?\n$/, '')
  if (password === '') throw new AppError('request-invalid', 'standard input holds no password')
  if (!Buffer.from(bytes.toString('utf8')).equals(bytes))
    throw new AppError('request-invalid', 'the password is not UTF-8')
  // Such a password could be stored but never sent: RFC 7617 section 2 forbids control characters in credentials.
  if (/\p{Cc}/u.test(password))
    throw new AppError('request-invalid', 'a password must be one line without control characters')
  return password
}
