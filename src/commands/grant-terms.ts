import { type GrantTerms, type Subject, subjectKinds } from '../access/grant.ts'
import type { Roles } from '../access/roles.ts'
import { type Kind, Wrong } from '../config/kinds.ts'
import { imagePattern, nameOrAll } from '../config/name-kinds.ts'
import { AppError } from '../errors.ts'

/** A grant as options say it; each may be absent. */
export interface TermOptions {
  user?: string | undefined
  group?: string | undefined
  robot?: string | undefined
  authenticated?: boolean | undefined
  anonymous?: boolean | undefined
  role?: string | undefined
  repository?: string | undefined
  images?: string[] | undefined
}

/** Whom the options name; undefined: nobody. Throws `request-invalid` when they name several. */
export function parseSubject(options: TermOptions): Subject | undefined {
  const [kind, ...more] = subjectKinds.filter((one) => options[one] !== undefined && options[one] !== false)
  if (kind === undefined) return undefined
  if (more.length > 0) throw new AppError('request-invalid', `--${kind} and --${more[0]}: name one at a time`)
  const value = options[kind]
  if (value === '') throw new AppError('request-invalid', `--${kind} is empty`)
  return { kind, name: typeof value === 'string' ? value : '' }
}

/** A whole grant. Throws `request-invalid` for what is missing, unknown or more than strangers may have. */
export function parseTerms(options: TermOptions, roles: Roles): GrantTerms {
  const subject = parseSubject(options)
  if (!subject)
    throw new AppError('request-invalid', 'say for whom: --user, --group, --robot, --authenticated or --anonymous')
  if (options.role === undefined)
    throw new AppError('request-invalid', `say which role: ${[...roles.keys()].join(', ')}`)
  if (options.repository === undefined)
    throw new AppError('request-invalid', 'say where: --repository NAME, or --repository "*" for all')
  const role = parseRole(options.role, roles)
  const more = roles.get(role)?.actions.some((action) => action !== 'pull')
  if (subject.kind === 'anonymous' && more)
    throw new AppError('request-invalid', `${role} would let everyone do more than pull: use reader`)
  const images = (options.images ?? []).map((pattern) => parseBy(imagePattern, pattern))
  return { subject, role, repository: parseRepository(options.repository), images }
}

/** The role, if there is one of that name. Throws `request-invalid`. */
export function parseRole(text: string, roles: Roles): string {
  if (roles.has(text)) return text
  const hint = text === 'admin' ? '; admins are made with: entrepot user add NAME --admin' : ''
  throw new AppError('request-invalid', `there is no role "${text}", only ${[...roles.keys()].join(', ')}${hint}`)
}

/** The name of a repository or `*`, whether it exists or not. Throws `request-invalid`. */
export function parseRepository(text: string): string {
  return parseBy(nameOrAll, text)
}

function parseBy(kind: Kind<string>, text: string): string {
  const value = text === '' ? new Wrong('is empty', 'write one') : kind.parse(text, '')
  if (!(value instanceof Wrong)) return value
  throw new AppError('request-invalid', `"${text}" ${value.reason}: ${value.fix}`)
}
