import { anonymous, type KnownPrincipal, type Limit, type Principal } from '../identity/principal.ts'
import { type Action, type RepositoryAction, repositoryActions, type Target } from './decide.ts'
import type { Grant, Subject, SubjectKind } from './grant.ts'
import { shortestPrefixes } from './image-index.ts'
import { type Rights, rightsFrom } from './rights.ts'
import type { Roles } from './roles.ts'

/** All that decisions depend on, besides who asks for what. */
export interface AccessRules {
  grants: readonly Grant[]
  roles: Roles
  /** Of a group repository that takes pushes: the member they go to. Asked at each decision, so that it may change. */
  writableMember: (group: string) => string | undefined
  /** Users (not robots) may do everything, as with an htpasswd file in registry:2. */
  usersMayAll: boolean
}

/** An answer with its reason. `repository`: whose grants counted, which for writing through a group is its writable member. */
export type Decision = { allowed: true; because: Allowed } | { allowed: false; because: Refused; repository?: string }

/** `limits`: what a robot's token says is what the robot may do. */
export type Allowed = { by: 'admin' | 'users-may-all' | 'login' | 'limits' } | { by: 'grant'; grant: Grant }

/**
 * `login`: nobody is allowed this without one. `grants`: no grant allows it. `limits`: the credential shown is limited to less than its owner may.
 * `admins`: it is for admins.
 */
export type Refused = 'login' | 'grants' | 'limits' | 'admins'

/** The rules in a form that answers quickly. Nothing in it changes: other rules make another one. */
export interface Access {
  /** Decides. An image action without a target is about everything, which only admins may. */
  judge(principal: Principal, action: Action, target?: Target): Decision
  /** See `ReachOf`. */
  reachOf(principal: Principal, repository: string): readonly string[]
}

/** Works the rules out: what is done here is not done again for each request. Grants of roles that do not exist allow nothing. */
export function compileAccess({ grants, roles, writableMember, usersMayAll }: AccessRules): Access {
  const bySubject = new Map<string, Rights<Grant>>()
  for (const [key, own] of grantsBySubject(grants)) {
    const allowances = own.map((grant) => ({
      actions: roles.get(grant.role)?.actions ?? [],
      repository: grant.repository,
      images: grant.images,
      reason: grant,
    }))
    bySubject.set(key, rightsFrom(allowances))
  }
  // Authenticators answer with the same object again and again: its groups are looked through once.
  const known = new WeakMap<Principal, Rights<Grant>[]>()
  const limited = new WeakMap<readonly Limit[], Rights<Limit>>()
  const anyones = rightsOf(anonymous)

  function rightsOf(principal: Principal): Rights<Grant>[] {
    const remembered = known.get(principal)
    if (remembered) return remembered
    const rights = subjectsOf(principal).flatMap((subject) => bySubject.get(keyOf(subject)) ?? [])
    known.set(principal, rights)
    return rights
  }

  function limitsOf(limits: readonly Limit[]): Rights<Limit> {
    const remembered = limited.get(limits)
    if (remembered) return remembered
    const rights = rightsFrom(limits.map((limit) => ({ ...limit, reason: limit })))
    limited.set(limits, rights)
    return rights
  }

  function judge(principal: Principal, action: Action, target?: Target): Decision {
    if (principal.kind === 'anonymous') return judgeStranger(action, target)
    if (action === 'enter' || action === 'list') return { allowed: true, because: { by: 'login' } }
    if (!isRepositoryAction(action) || !target) return judgeServer(principal, action)
    const { image } = target
    const repository = repositoryOf(action, target)
    // What everyone may do needs no credential, so a limited one does not stand in the way.
    const anyone = action === 'pull' ? findIn(anyones, action, repository, image) : undefined
    if (anyone) return { allowed: true, because: { by: 'grant', grant: anyone } }
    const { limits } = principal
    if (limits && !limitsOf(limits).find(action, repository, image))
      return { allowed: false, because: 'limits', repository }
    // Whoever made the token of a robot said with its limits what the robot is for; it has no owner whose rights they would narrow.
    if (limits && principal.kind === 'robot') return { allowed: true, because: { by: 'limits' } }
    const all = mayAll(principal)
    if (all) return { allowed: true, because: { by: all } }
    const grant = findIn(rightsOf(principal), action, repository, image)
    if (grant) return { allowed: true, because: { by: 'grant', grant } }
    return { allowed: false, because: 'grants', repository }
  }

  /** Nothing but pulling, whatever role somebody gave them. `enter` is refused even so: the refusal is what makes docker send a password. */
  function judgeStranger(action: Action, target?: Target): Decision {
    if (action === 'pull' && target) {
      const grant = findIn(anyones, action, target.repository, target.image)
      if (grant) return { allowed: true, because: { by: 'grant', grant } }
    }
    const mayPull = anyones.some((rights) => rights.has('pull'))
    if (action === 'list' && mayPull) return { allowed: true, because: { by: 'login' } }
    return { allowed: false, because: 'login' }
  }

  /** What is about the server and no repository. */
  function judgeServer(principal: KnownPrincipal, action: Action): Decision {
    const all = mayAll(principal)
    if (!all || (all === 'users-may-all' && action === 'administer')) return { allowed: false, because: 'admins' }
    const { limits } = principal
    const within = limits?.some(
      (one) => one.repository === '*' && one.images.length === 0 && one.actions.includes(action),
    )
    return within === false ? { allowed: false, because: 'limits' } : { allowed: true, because: { by: all } }
  }

  function mayAll(principal: KnownPrincipal): 'admin' | 'users-may-all' | undefined {
    if (principal.kind === 'robot') return undefined
    if (principal.admin) return 'admin'
    return usersMayAll ? 'users-may-all' : undefined
  }

  /** Who writes through a group writes to its member; reading through it and managing it are matters of the group itself. */
  function repositoryOf(action: RepositoryAction, { repository }: Target): string {
    return action === 'push' || action === 'delete' ? (writableMember(repository) ?? repository) : repository
  }

  return {
    judge,
    reachOf(principal, repository) {
      if (principal.kind !== 'anonymous' && mayAll(principal)) return ['']
      const { limits } = principal.kind === 'robot' ? principal : {}
      const own = limits ? [limitsOf(limits)] : rightsOf(principal)
      return shortestPrefixes([...own, ...anyones].flatMap((rights) => rights.prefixes('pull', repository)))
    },
  }
}

function findIn(all: readonly Rights<Grant>[], action: RepositoryAction, repository: string, image: string) {
  for (const rights of all) {
    const found = rights.find(action, repository, image)
    if (found) return found
  }
  return undefined
}

function isRepositoryAction(action: Action): action is RepositoryAction {
  return (repositoryActions as readonly string[]).includes(action)
}

/** Whose grants count for somebody, besides those for everyone. A robot has what was given to it by name. */
function subjectsOf(principal: Principal): Subject[] {
  if (principal.kind === 'anonymous') return [{ kind: 'anonymous', name: '' }]
  const own: Subject = { kind: principal.kind, name: principal.name }
  if (principal.kind === 'robot') return [own]
  const groups = principal.groups.map((name): Subject => ({ kind: 'group', name }))
  return [own, ...groups, { kind: 'authenticated', name: '' }]
}

const keyOf = ({ kind, name }: Subject): `${SubjectKind}:${string}` => `${kind}:${name}`

function grantsBySubject(grants: readonly Grant[]): Map<string, Grant[]> {
  const found = new Map<string, Grant[]>()
  for (const grant of grants) {
    const key = keyOf(grant.subject)
    const others = found.get(key)
    if (others) others.push(grant)
    else found.set(key, [grant])
  }
  return found
}
