import { describe, expect, test } from 'bun:test'
import { anonymous, type KnownPrincipal, type Limit, type Principal } from '../identity/principal.ts'
import { type AccessRules, compileAccess } from './access.ts'
import type { Action } from './decide.ts'
import type { Grant, Subject } from './grant.ts'
import { rolesWith } from './roles.ts'

let lastId = 0
const grant = (who: string, role: string, repository: string, ...images: string[]): Grant => {
  const [kind, name = ''] = who.split(' ') as [Subject['kind'], string?]
  return { id: ++lastId, subject: { kind, name }, role, repository, images, managedBy: 'database' }
}

/** `bob`, `bob@devs,ops` (in groups), `robot:ci`, `admin:root`, `-` (nobody). */
const who = (text: string, limits?: readonly Limit[]): Principal => {
  if (text === '-') return anonymous
  const [name = '', groups = ''] = text.split('@')
  const known: KnownPrincipal = {
    kind: name.startsWith('robot:') ? 'robot' : 'user',
    name: name.replace(/^\w+:/, ''),
    admin: name.startsWith('admin:'),
    groups: groups.split(',').filter((group) => group !== ''),
  }
  return limits ? { ...known, limits } : known
}

const roles = rolesWith([
  { name: 'cleaner', actions: ['pull', 'delete'] },
  { name: 'dropbox', actions: ['push'] },
])
const rules = (grants: Grant[], more: Partial<AccessRules> = {}): AccessRules => ({
  grants,
  roles,
  writableMember: (group) => (group === 'images' ? 'private' : undefined),
  usersMayAll: false,
  ...more,
})

/** `private/team-a/x` is the image team-a/x of the repository private. */
const target = (text: string) => ({
  repository: text.slice(0, text.indexOf('/')),
  image: text.slice(text.indexOf('/') + 1),
})

type Row = [what: string, grants: Grant[], who: string, action: Action, target: string, expected: 'yes' | 'no']

function table(name: string, rows: Row[], more: Partial<AccessRules> = {}) {
  describe(name, () => {
    for (const [what, grants, principal, action, at, expected] of rows)
      test(`${what}: ${principal} ${action} ${at}: ${expected}`, () => {
        const { allowed } = compileAccess(rules(grants, more)).judge(who(principal), action, target(at))
        expect(allowed ? 'yes' : 'no').toBe(expected)
      })
  })
}

const devs = [grant('group devs', 'developer', 'private', 'team-*/**')]
const some = [grant('user bob', 'reader', 'a', 'x'), grant('user bob', 'developer', 'a', 'x/**')]

table('roles', [
  ['a reader', [grant('user bob', 'reader', 'a')], 'bob', 'pull', 'a/x', 'yes'],
  ['a reader', [grant('user bob', 'reader', 'a')], 'bob', 'push', 'a/x', 'no'],
  ['a reader', [grant('user bob', 'reader', 'a')], 'bob', 'delete', 'a/x', 'no'],
  ['a developer', [grant('user bob', 'developer', 'a')], 'bob', 'pull', 'a/x', 'yes'],
  ['a developer', [grant('user bob', 'developer', 'a')], 'bob', 'push', 'a/x', 'yes'],
  ['a developer', [grant('user bob', 'developer', 'a')], 'bob', 'delete', 'a/x', 'no'],
  ['a developer', [grant('user bob', 'developer', 'a')], 'bob', 'manage-members', 'a/x', 'no'],
  ['a maintainer', [grant('user bob', 'maintainer', 'a')], 'bob', 'delete', 'a/x', 'yes'],
  ['a maintainer', [grant('user bob', 'maintainer', 'a')], 'bob', 'manage-members', 'a/x', 'yes'],
  ['a maintainer', [grant('user bob', 'maintainer', 'a')], 'bob', 'manage-policies', 'a/x', 'yes'],
  ['a maintainer', [grant('user bob', 'maintainer', '*')], 'bob', 'administer', 'a/x', 'no'],
  ['a maintainer', [grant('user bob', 'maintainer', '*')], 'bob', 'observe', 'a/x', 'no'],
  ['a role of ours', [grant('user bob', 'cleaner', 'a')], 'bob', 'delete', 'a/x', 'yes'],
  ['a role of ours', [grant('user bob', 'cleaner', 'a')], 'bob', 'push', 'a/x', 'no'],
  ['a role that pushes alone', [grant('user bob', 'dropbox', 'a')], 'bob', 'pull', 'a/x', 'no'],
  ['a role that is gone', [grant('user bob', 'gone', 'a')], 'bob', 'pull', 'a/x', 'no'],
  ['no grant', [], 'bob', 'pull', 'a/x', 'no'],
  ['no grant', [], 'bob', 'enter', 'a/x', 'yes'],
  ['no grant', [], 'bob', 'list', 'a/x', 'yes'],
])

table('whom a grant is for', [
  ['another user', [grant('user bob', 'reader', 'a')], 'bobby', 'pull', 'a/x', 'no'],
  ['names are compared exactly', [grant('user bob', 'reader', 'a')], 'Bob', 'pull', 'a/x', 'no'],
  ['a group', [grant('group devs', 'reader', 'a')], 'bob@ops,devs', 'pull', 'a/x', 'yes'],
  ['another group', [grant('group devs', 'reader', 'a')], 'bob@devs2', 'pull', 'a/x', 'no'],
  ['a user called like a group', [grant('group devs', 'reader', 'a')], 'devs', 'pull', 'a/x', 'no'],
  ['a group called like a user', [grant('user bob', 'reader', 'a')], 'eve@bob', 'pull', 'a/x', 'no'],
  ['a robot', [grant('robot ci', 'developer', 'a')], 'robot:ci', 'push', 'a/x', 'yes'],
  ['a user called like a robot', [grant('robot ci', 'developer', 'a')], 'ci', 'push', 'a/x', 'no'],
  ['a robot called like a user', [grant('user ci', 'developer', 'a')], 'robot:ci', 'push', 'a/x', 'no'],
  ['a robot in a group', [grant('group devs', 'developer', 'a')], 'robot:ci@devs', 'push', 'a/x', 'no'],
  ['everyone logged in', [grant('authenticated', 'reader', 'a')], 'bob', 'pull', 'a/x', 'yes'],
  ['everyone logged in', [grant('authenticated', 'reader', 'a')], 'robot:ci', 'pull', 'a/x', 'no'],
  ['everyone logged in', [grant('authenticated', 'reader', 'a')], '-', 'pull', 'a/x', 'no'],
  ['a user called authenticated', [grant('user authenticated', 'reader', 'a')], 'bob', 'pull', 'a/x', 'no'],
  ['everyone', [grant('anonymous', 'reader', 'a')], '-', 'pull', 'a/x', 'yes'],
  ['everyone', [grant('anonymous', 'reader', 'a')], 'bob', 'pull', 'a/x', 'yes'],
  ['everyone', [grant('anonymous', 'reader', 'a')], 'robot:ci', 'pull', 'a/x', 'yes'],
  ['everyone', [grant('anonymous', 'reader', 'a')], '-', 'pull', 'b/x', 'no'],
  ['everyone', [grant('anonymous', 'reader', 'a')], '-', 'enter', 'a/x', 'no'],
  ['everyone', [grant('anonymous', 'reader', 'a')], '-', 'list', 'a/x', 'yes'],
  ['nobody', [], '-', 'list', 'a/x', 'no'],
  ['a stranger made maintainer', [grant('anonymous', 'maintainer', '*')], '-', 'push', 'a/x', 'no'],
  ['a stranger made maintainer', [grant('anonymous', 'maintainer', '*')], '-', 'delete', 'a/x', 'no'],
  ['a stranger made maintainer', [grant('anonymous', 'maintainer', '*')], 'bob', 'push', 'a/x', 'no'],
])

table('admins', [
  ['an admin', [], 'admin:root', 'delete', 'a/x', 'yes'],
  ['an admin', [], 'admin:root', 'observe', 'a/x', 'yes'],
  ['an admin', [], 'admin:root', 'administer', 'a/x', 'yes'],
  ['a user called admin', [], 'admin', 'pull', 'a/x', 'no'],
])

test('robots are never admins', () => {
  const robot: Principal = { kind: 'robot', name: 'ci', admin: true, groups: [] }
  const access = compileAccess(rules([]))
  expect(access.judge(robot, 'pull', target('a/x')).allowed).toBe(false)
  expect(access.judge(robot, 'observe').allowed).toBe(false)
})

table('images', [
  ['within the pattern', devs, 'bob@devs', 'push', 'private/team-a/x', 'yes'],
  ['within the pattern', devs, 'bob@devs', 'push', 'private/team-a/x/y', 'yes'],
  ['a beginning that goes on', devs, 'bob@devs', 'push', 'private/team/x', 'no'],
  ['a folder alone', devs, 'bob@devs', 'push', 'private/team-a', 'no'],
  ['another repository', devs, 'bob@devs', 'push', 'private2/team-a/x', 'no'],
  ['exactly one', some, 'bob', 'pull', 'a/x', 'yes'],
  ['a name that begins like it', some, 'bob', 'pull', 'a/xy', 'no'],
  ['what is below it, by another grant', some, 'bob', 'push', 'a/x/y', 'yes'],
  ['what is not below it', some, 'bob', 'push', 'a/x', 'no'],
  ['taken out', [grant('user bob', 'reader', 'a', '**', '!secret/**')], 'bob', 'pull', 'a/secret/x', 'no'],
  ['taken out', [grant('user bob', 'reader', 'a', '**', '!secret/**')], 'bob', 'pull', 'a/open', 'yes'],
  ['only taken out', [grant('user bob', 'reader', 'a', '!secret/**')], 'bob', 'pull', 'a/open', 'yes'],
  ['only taken out', [grant('user bob', 'reader', 'a', '!secret/**')], 'bob', 'pull', 'a/secret/x', 'no'],
  ['in all repositories', [grant('user bob', 'reader', '*', 'team/**')], 'bob', 'pull', 'any/team/x', 'yes'],
  ['in all repositories', [grant('user bob', 'reader', '*', 'team/**')], 'bob', 'pull', 'any/other/x', 'no'],
])

table('group repositories', [
  ['a right on the group', [grant('user bob', 'reader', 'images')], 'bob', 'pull', 'images/x', 'yes'],
  ['a right on the group', [grant('user bob', 'reader', 'images')], 'bob', 'pull', 'private/x', 'no'],
  ['a right on the member', [grant('user bob', 'maintainer', 'private')], 'bob', 'pull', 'images/x', 'no'],
  ['a right on the member', [grant('user bob', 'developer', 'private')], 'bob', 'push', 'images/x', 'yes'],
  ['a right on the member', [grant('user bob', 'maintainer', 'private')], 'bob', 'delete', 'images/x', 'yes'],
  ['a right on the group', [grant('user bob', 'maintainer', 'images')], 'bob', 'push', 'images/x', 'no'],
  ['a right on the group', [grant('user bob', 'maintainer', 'images')], 'bob', 'delete', 'images/x', 'no'],
  ['a right on the group', [grant('user bob', 'maintainer', 'images')], 'bob', 'manage-members', 'images/x', 'yes'],
  ['a right on another member', [grant('user bob', 'maintainer', 'hub')], 'bob', 'push', 'images/x', 'no'],
  ['images of the member', [grant('user bob', 'developer', 'private', 'a/**')], 'bob', 'push', 'images/b/x', 'no'],
])

const mayAll = { usersMayAll: true }
table(
  'an htpasswd file without grants',
  [
    ['a user', [], 'bob', 'delete', 'a/x', 'yes'],
    ['a user', [], 'bob', 'observe', 'a/x', 'yes'],
    ['a user', [], 'bob', 'administer', 'a/x', 'no'],
    ['a robot', [], 'robot:ci', 'pull', 'a/x', 'no'],
    ['nobody', [], '-', 'pull', 'a/x', 'no'],
    ['nobody, where everyone may', [grant('anonymous', 'reader', 'a')], '-', 'pull', 'a/x', 'yes'],
  ],
  mayAll,
)

describe('a limited credential', () => {
  const limits: Limit[] = [{ repository: 'a', images: ['team/**'], actions: ['pull', 'delete'] }]
  const access = compileAccess(rules([grant('user bob', 'developer', '*'), grant('anonymous', 'reader', 'open')]))
  for (const [action, at, expected] of [
    ['pull', 'a/team/x', true],
    ['pull', 'a/other', false],
    ['pull', 'b/team/x', false],
    ['push', 'a/team/x', false],
    ['delete', 'a/team/x', false],
    ['pull', 'open/x', true],
  ] as const)
    test(`of a developer, limited to pull and delete in team/: ${action} ${at} ${expected}`, () => {
      expect(access.judge(who('bob', limits), action, target(at)).allowed).toBe(expected)
    })

  test('of an admin allows no more than it says', () => {
    const admin = who('admin:root', limits)
    expect(access.judge(admin, 'delete', target('a/team/x')).allowed).toBe(true)
    expect(access.judge(admin, 'push', target('a/team/x'))).toEqual({
      allowed: false,
      because: 'limits',
      repository: 'a',
    })
    expect(access.judge(admin, 'observe').allowed).toBe(false)
    expect(access.judge(admin, 'administer').allowed).toBe(false)
    const wide = who('admin:root', [{ repository: '*', images: [], actions: ['observe'] }])
    expect(access.judge(wide, 'observe').allowed).toBe(true)
    expect(access.judge(wide, 'administer').allowed).toBe(false)
  })

  test('that is limited to nothing allows nothing but to log in', () => {
    expect(access.judge(who('bob', []), 'pull', target('a/x')).allowed).toBe(false)
    expect(access.judge(who('bob', []), 'enter').allowed).toBe(true)
  })

  test('through a group is held against the member that is written to', () => {
    const pusher = (repository: string) => who('bob', [{ repository, images: [], actions: ['push'] }])
    expect(access.judge(pusher('private'), 'push', target('images/x')).allowed).toBe(true)
    expect(access.judge(pusher('images'), 'push', target('images/x')).allowed).toBe(false)
  })

  test('of a robot is all that the robot may', () => {
    const robot = who('robot:ci', limits)
    expect(access.judge(robot, 'pull', target('a/team/x')).allowed).toBe(true)
    expect(access.judge(robot, 'push', target('a/team/x')).allowed).toBe(false)
    expect(access.reachOf(robot, 'a')).toEqual(['team/'])
    expect(access.reachOf(robot, 'b')).toEqual([])
  })
})

describe('the reason', () => {
  const mine = grant('user bob', 'developer', 'private', 'a/**')
  const access = compileAccess(rules([mine, grant('group devs', 'reader', '*')]))

  test('is the grant that allows it', () => {
    expect(access.judge(who('bob'), 'push', target('images/a/x'))).toEqual({
      allowed: true,
      because: { by: 'grant', grant: mine },
    })
  })

  test('is that there is none, and where one would have to be', () => {
    expect(access.judge(who('bob'), 'push', target('images/b'))).toEqual({
      allowed: false,
      because: 'grants',
      repository: 'private',
    })
  })

  test('is that a login is missing', () => {
    expect(access.judge(anonymous, 'push', target('a/b'))).toEqual({ allowed: false, because: 'login' })
  })
})

describe('what can be reached', () => {
  const access = compileAccess(
    rules([
      grant('user bob', 'reader', 'a', 'team-*/**', 'x/y'),
      grant('user bob', 'developer', 'a', 'team-b/**', '!team-b/secret'),
      grant('user bob', 'dropbox', 'b'),
      grant('group devs', 'reader', '*', '*/shared/**'),
      grant('anonymous', 'reader', 'c', 'pub/**'),
    ]),
  )

  test('begins as the patterns do, the shortest ones', () => {
    expect(access.reachOf(who('bob'), 'a')).toEqual(['team-', 'x/y'])
    expect(access.reachOf(who('bob'), 'c')).toEqual(['pub/'])
    expect(access.reachOf(anonymous, 'c')).toEqual(['pub/'])
  })

  test('is nothing where nothing can be pulled, and anything for a pattern that begins with a star', () => {
    expect(access.reachOf(who('bob'), 'b')).toEqual([])
    expect(access.reachOf(anonymous, 'a')).toEqual([])
    expect(access.reachOf(who('bob@devs'), 'b')).toEqual([''])
    expect(access.reachOf(who('admin:root'), 'b')).toEqual([''])
  })
})

test('a thousand grants are told apart', () => {
  const many = Array.from({ length: 1000 }, (_, i) => grant('user bob', 'reader', `r${i % 10}`, `team-${i}/**`))
  const access = compileAccess(rules(many))
  for (let i = 0; i < 1000; i++) {
    expect(access.judge(who('bob'), 'pull', target(`r${i % 10}/team-${i}/x`)).allowed).toBe(true)
    expect(access.judge(who('bob'), 'pull', target(`r${(i + 1) % 10}/team-${i}/x`)).allowed).toBe(false)
  }
})
