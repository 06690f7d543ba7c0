/** Whom a grant is for. `authenticated`: every user who has logged in, robots not. `anonymous`: everyone, logged in or not; for pulling alone. */
export interface Subject {
  kind: SubjectKind
  /** Of a user, group or robot, compared exactly; empty for the others. */
  name: string
}

export const subjectKinds = ['user', 'group', 'robot', 'authenticated', 'anonymous'] as const
export type SubjectKind = (typeof subjectKinds)[number]

/** Gives a role on a repository, or on some of its images. */
export interface GrantTerms {
  subject: Subject
  role: string
  /** `*`: every repository, also those that are made later. */
  repository: string
  /** Patterns of `imageMatcher`; empty: all images. */
  images: readonly string[]
}

/** A grant that exists. */
export interface Grant extends GrantTerms {
  /** Unique within the database; 0 for what the file declares and no server has started with. */
  id: number
  /** `file`: from the configuration file, and changed there. */
  managedBy: 'file' | 'database'
}

/** `group developers`, `everyone who is logged in`. */
export function subjectText({ kind, name }: Subject): string {
  if (kind === 'authenticated') return 'everyone who is logged in'
  return kind === 'anonymous' ? 'everyone, without a login' : `${kind} ${name}`
}

/** `developer on private, images team-*\/**, for group developers (grant 4)`. */
export function grantText(grant: Grant): string {
  const { role, repository, images, subject, id, managedBy } = grant
  const where = repository === '*' ? 'all repositories' : repository
  const which = images.length > 0 ? `, images ${images.join(' ')}` : ''
  const from = managedBy === 'file' ? 'from the configuration file' : `grant ${id}`
  return `${role} on ${where}${which}, for ${subjectText(subject)} (${from})`
}

/** Two grants with one key say the same. */
export function keyOfGrant({ subject, role, repository, images }: GrantTerms): string {
  return JSON.stringify([subject.kind, subject.name, role, repository, [...images].sort()])
}
