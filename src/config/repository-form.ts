import { checkGroups } from './check-groups.ts'
import { checkRepository } from './check-repository.ts'
import type { RepositoryConfig } from './config.ts'
import { fromForm, type JsonObject, mapSecrets, type SecretText, toForm } from './form.ts'
import type { Problem } from './problems.ts'
import { type Reading, readEntry } from './read.ts'
import { repository as entry } from './settings/repositories.ts'

/** A repository as the file would say it, as JSON: only what is no default. */
export type RepositoryForm = JsonObject & { name: string }

export function formOfRepository(repository: RepositoryConfig): RepositoryForm {
  return toForm(entry, repository) as RepositoryForm
}

/** The form with something else in place of what is or may be secret. */
export function mapRepositorySecrets<F extends JsonObject>(form: F, change: (found: SecretText) => string): F {
  return mapSecrets(entry, form, change) as F
}

/** Reads a form. The repository is whole when there are no problems; their paths are as within the repository: `upstream.url`. */
export function readRepository(
  form: JsonObject,
  source: string,
): { repository: RepositoryConfig; problems: Problem[] } {
  const reading: Reading = { cwd: '/', problems: [], warnings: [], sources: new Map() }
  const read = readEntry(entry, fromForm(form, source), { path: '', around: source }, reading)
  return { repository: read as RepositoryConfig, problems: reading.problems }
}

/** What the checks of the file say about one repository among others. */
export function checkRepositoryAmong(
  repository: RepositoryConfig,
  others: readonly RepositoryConfig[],
  stores: readonly string[],
  source: string,
): Problem[] {
  const problems: Problem[] = []
  const wrong = (path: string, value: string | undefined, reason: string, fix: string) =>
    void problems.push({ path, source, value, reason, fix })
  checkRepository('', repository, stores, (path, value, reason, fix) => wrong(path.slice(1), value, reason, fix))
  // First in the list, so that a cycle it is part of is told of it.
  const settings = { repositories: [repository, ...others], defaultRepository: '' }
  const own = 'repositories[0].'
  checkGroups({
    settings,
    failed: () => false,
    wrong: (path, value, reason, fix) => {
      const isTold = problems.some((problem) => `${own}${problem.path}` === path)
      if (path.startsWith(own) && !isTold) wrong(path.slice(own.length), value, reason, fix)
    },
  })
  return problems
}
