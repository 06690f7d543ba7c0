import type { Check } from './check.ts'

const builtIn: Readonly<Record<string, readonly string[]>> = {
  maintainer: ['pull', 'push', 'delete'],
  developer: ['pull', 'push'],
  reader: ['pull'],
}

/** Words that would be taken for something else than a role. */
const noRoles = ['admin', 'none']

/** Roles, grants and users of the file: that each names what exists, once, and that strangers get nothing but pulling. */
export function checkAccess(check: Check): void {
  const { settings, wrong, warn, failed } = check
  const { auth, users, roles, grants, anonymous, ldap } = settings
  if (['users', 'roles', 'grants', 'anonymous', 'repositories', 'ldap'].some(failed)) return
  const actionsOf = new Map(Object.entries(builtIn))
  for (const [index, { name, actions }] of roles.entries()) {
    const path = `roles[${index}]`
    if (noRoles.includes(name)) wrong(`${path}.name`, name, 'is no name for a role', 'choose another name')
    else if (name in builtIn) wrong(`${path}.name`, name, 'is the name of a built-in role', 'choose another name')
    else if (actionsOf.has(name)) wrong(`${path}.name`, name, 'is the name of another role', 'name each role once')
    if (actions.length === 0) wrong(`${path}.actions`, undefined, 'is missing', 'list what the role allows')
    if (!actionsOf.has(name)) actionsOf.set(name, actions)
  }

  const checkTerms = (path: string, { role, repository }: { role: string; repository: string }) => {
    const known = [...actionsOf.keys()].join(', ')
    if (role === 'admin') wrong(`${path}.role`, role, 'is no role', 'write admin: true at the user')
    else if (!actionsOf.has(role)) wrong(`${path}.role`, role, 'is no role', `add it to roles, or use one of: ${known}`)
    if (repository !== '*') checkRepository(check, `${path}.repository`, repository)
  }

  for (const [index, grant] of grants.entries()) {
    const path = `grants[${index}]`
    checkTerms(path, grant)
    const named = (['user', 'group', 'robot', 'authenticated', 'anonymous'] as const).filter((one) => grant[one])
    if (named.length !== 1)
      wrong(
        path,
        undefined,
        named.length === 0 ? 'names nobody' : `names ${named.join(' and ')}`,
        'write one of user, group, robot, authenticated: true, anonymous: true',
      )
    const more = actionsOf.get(grant.role)?.filter((action) => action !== 'pull') ?? []
    if (grant.anonymous && more.length > 0)
      wrong(
        `${path}.role`,
        grant.role,
        'would let everyone do more than pull',
        'use reader; a registry that is open to everyone has auth: none',
      )
  }

  const names = new Map<string, string>()
  for (const [index, { name, password, passwordHash, admin, grants: own }] of users.entries()) {
    const path = `users[${index}]`
    if (!admin && !auth && own.length + grants.length === 0) warn(path, 'has no grants: they may do nothing yet')
    if (names.has(name)) wrong(`${path}.name`, name, `is also the name of ${names.get(name)}`, 'name each user once')
    names.set(name, path)
    if (!password === !passwordHash)
      wrong(
        path,
        undefined,
        password ? 'has both a password and a hash' : 'has no password',
        'write password or passwordHash',
      )
    for (const [at, grant] of own.entries()) checkTerms(`${path}.grants[${at}]`, grant)
  }
  for (const [index, { grants: own }] of ldap.entries())
    for (const [at, grant] of own.entries()) checkTerms(`ldap[${index}].grants[${at}]`, grant)
  for (const [index, name] of anonymous.pull.entries()) checkRepository(check, `anonymous.pull[${index}]`, name)
  if (auth?.none)
    for (const section of ['users', 'grants'] as const)
      if (settings[section].length > 0) warn(section, 'means nothing beside auth: none, which opens everything')
}

/** A warning: what is spelt wrong gives nothing away, and repositories may also be made later. */
function checkRepository({ settings, warn }: Check, path: string, name: string): void {
  const { repositories, defaultRepository, proxy } = settings
  const made = [defaultRepository, ...(proxy.remoteurl ? ['proxy'] : [])]
  const known = [...new Set([...repositories.map((repository) => repository.name), ...made])]
  if (!known.includes(name)) warn(path, `is no repository of this file (${known.join(', ')})`)
}
