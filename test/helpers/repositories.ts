import type { JsonObject } from '../../src/config/form.ts'
import { readRepository } from '../../src/config/repository-form.ts'
import type { Database } from '../../src/database/database.ts'
import { type LiveRepositories, openRepositories } from '../../src/repositories/live.ts'
import { openSecrets, type Secrets } from '../../src/secrets/secrets.ts'
import { createLog } from '../../src/telemetry/log.ts'

export const quiet = createLog({ stream: { write() {} } })

/** Secrets with a key that is the same in every test. */
export const testSecrets = (key = '5'.repeat(64)): Secrets => openSecrets({ key, file: '/nowhere/secrets.key' })

/** Declares repositories, in the words of the file, and opens them all. */
export function openTestRepositories(
  db: Database,
  declared: (JsonObject & { name: string })[],
  defaultRepository: string,
  now: () => number = Date.now,
): Promise<LiveRepositories> {
  const repositories = declared.map((form) => {
    const { repository, problems } = readRepository(form, 'the test')
    if (problems.length > 0) throw new Error(JSON.stringify(problems))
    return repository
  })
  return openRepositories({ db, secrets: testSecrets(), log: quiet, now }, { repositories, defaultRepository })
}
