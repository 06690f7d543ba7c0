import { Wrong } from '../config/kinds.ts'
import { imagePattern, nameOrAll } from '../config/name-kinds.ts'
import { AppError } from '../errors.ts'
import type { GrantTerms } from './grant.ts'
import type { Roles } from './roles.ts'

/** The grant, if it can be given. Throws `request-invalid` for what is missing, unknown, or more than strangers may have. */
export function checkedTerms(terms: GrantTerms, roles: Roles): GrantTerms {
  const invalid = (message: string) => new AppError('request-invalid', message)
  const { subject, role, repository, images } = terms
  const isNamed = ['user', 'group', 'robot'].includes(subject.kind)
  if (isNamed && subject.name === '') throw invalid(`subject.name: say which ${subject.kind}`)
  if (!isNamed && subject.name !== '') throw invalid(`subject.name: leave it empty, ${subject.kind} is everyone`)
  const known = roles.get(role)
  if (!known) throw invalid(`role: there is no role "${role}", only ${[...roles.keys()].join(', ')}`)
  if (subject.kind === 'anonymous' && known.actions.some((action) => action !== 'pull'))
    throw invalid(`role: ${role} would let everyone do more than pull: use reader`)
  const place = nameOrAll.parse(repository, '')
  if (place instanceof Wrong) throw invalid(`repository: ${place.reason}: ${place.fix}`)
  for (const pattern of images) {
    const read = pattern === '' ? new Wrong('is empty', 'write one') : imagePattern.parse(pattern, '')
    if (read instanceof Wrong) throw invalid(`images: "${pattern}" ${read.reason}: ${read.fix}`)
  }
  return terms
}
