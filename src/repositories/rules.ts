import type { RepositoryConfig } from '../config/config.ts'
import type { JsonObject } from '../config/form.ts'
import { type Problem, problemLine } from '../config/problems.ts'
import { checkRepositoryAmong, readRepository } from '../config/repository-form.ts'
import { AppError } from '../errors.ts'

/** The repository that a form means, if it may stand beside the others. Throws `request-invalid` with everything that is wrong, field by field. */
export function checkedRepository(
  form: JsonObject,
  others: readonly RepositoryConfig[],
  stores: readonly string[],
): RepositoryConfig {
  const source = 'the request'
  const { repository, problems } = readRepository(form, source)
  if (problems.length > 0) throw invalid(problems)
  const wrong = checkRepositoryAmong(repository, others, stores, source)
  if (wrong.length > 0) throw invalid(wrong)
  return repository
}

function invalid(problems: Problem[]): AppError {
  const lines = problems.map((problem) => problemLine(problem).replace(' (the request)', ''))
  const detail = problems.map(({ path, value, reason, fix }) => ({ field: path, value, reason, fix }))
  return new AppError('request-invalid', lines.join('\n'), { detail })
}

/** Why a repository cannot go while others lead to it; undefined when none does. */
export function whoNeeds(
  name: string,
  {
    all,
    defaultRepository,
    connectors,
  }: { all: readonly RepositoryConfig[]; defaultRepository: string; connectors: readonly string[] },
): string | undefined {
  if (name === defaultRepository) return 'it is the default repository: choose another defaultRepository first'
  if (connectors.includes(name)) return 'a connector leads to it: take the connector out of the file first'
  const groups = all.filter(({ members }) => members?.some(({ repository }) => repository === name))
  if (groups.length === 0) return undefined
  return `it is a member of ${groups.map((group) => group.name).join(', ')}: take it out of members first`
}
