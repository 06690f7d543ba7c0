import { createDirectory } from './directory.ts'
import { type LoginOutcome, tryLogin } from './login.ts'
import type { DirectorySettings } from './settings.ts'
import { DirectoryTrouble } from './trouble.ts'

/**
 * Goes through a login at one directory, on connections of its own, and says every step in words, trouble and what to do about it included. Without a password
 * all but the check of it. Nothing secret is said. Undefined: there was trouble.
 */
export async function traceLogin(
  settings: DirectorySettings,
  user: string,
  password: string | undefined,
  say: (line: string) => void,
): Promise<LoginOutcome | undefined> {
  const directory = createDirectory(settings)
  let told = ''
  try {
    return await tryLogin(directory, settings, user, password, (line) => {
      told = line
      say(line)
    })
  } catch (error) {
    if (!(error instanceof DirectoryTrouble)) throw error
    const alreadySaid = told === `failed: ${error.message}` || told === `  what to do: ${error.advice}`
    if (!alreadySaid) {
      say(`failed: ${error.message}`)
      if (error.advice) say(`  what to do: ${error.advice}`)
    }
    return undefined
  } finally {
    await directory.close()
  }
}
