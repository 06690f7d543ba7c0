import { describe, expect, test } from 'bun:test'
import { tmpdir } from 'node:os'
import { loadConfig } from './load.ts'
import { ConfigError } from './problems.ts'

/** What is wrong with a configuration: `path reason`. */
function problemsOf(value: object): string[] {
  try {
    loadConfig({ text: JSON.stringify(value), env: {}, cwd: tmpdir() })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ path, reason }) => `${path} ${reason}`)
  }
}

const warningsOf = (value: object) =>
  loadConfig({ text: JSON.stringify(value), env: {}, cwd: tmpdir() }).warnings.map(
    ({ path, message }) => `${path} ${message}`,
  )

describe('the configuration of access', () => {
  test('takes users, roles, grants and what is open to everyone', () => {
    const { config } = loadConfig({
      text: `
        users:
          - {name: ci, password: secret, grants: [{repository: private, role: developer, images: "team-*/**"}]}
          - {name: root, passwordHash: "$2y$10$${'a'.repeat(53)}", admin: true}
        roles: [{name: cleaner, actions: [pull, delete]}]
        grants:
          - {group: devs, role: cleaner, repository: "*"}
          - {authenticated: true, role: reader, repository: private}
        anonymous: {pull: private}`,
      env: {},
      cwd: tmpdir(),
    })
    expect(config.users[0]?.grants).toEqual([{ repository: 'private', role: 'developer', images: ['team-*/**'] }])
    expect(config.anonymous.pull).toEqual(['private'])
  })

  const reader = { role: 'reader', repository: 'private' }
  for (const [value, problem] of [
    [{ grants: [reader] }, 'grants[0] names nobody'],
    [{ grants: [{ user: 'a', group: 'b', ...reader }] }, 'grants[0] names user and group'],
    [{ grants: [{ user: 'a', anonymous: true, ...reader }] }, 'grants[0] names user and anonymous'],
    [{ grants: [{ user: 'a', ...reader, role: 'boss' }] }, 'grants[0].role is no role'],
    [{ grants: [{ user: 'a', ...reader, role: 'admin' }] }, 'grants[0].role is no role'],
    [{ grants: [{ user: 'a', role: 'reader' }] }, 'grants[0].repository is missing'],
    [{ grants: [{ user: 'a', ...reader, images: ['A*'] }] }, 'grants[0].images[0] is no pattern of images'],
    [{ grants: [{ user: 'a:b', ...reader }] }, 'grants[0].user is no user name'],
    [
      { grants: [{ anonymous: true, role: 'developer', repository: '*' }] },
      'grants[0].role would let everyone do more than pull',
    ],
    [{ roles: [{ name: 'reader', actions: ['pull'] }] }, 'roles[0].name is the name of a built-in role'],
    [{ roles: [{ name: 'admin', actions: ['pull'] }] }, 'roles[0].name is no name for a role'],
    [{ roles: [{ name: 'x', actions: [] }] }, 'roles[0].actions is missing'],
    [{ roles: [{ name: 'x', actions: ['rule'] }] }, 'roles[0].actions[0] is none of the choices'],
    [{ users: [{ name: 'a' }] }, 'users[0] has no password'],
    [{ users: [{ name: 'a', password: 'x', passwordHash: 'y' }] }, 'users[0].passwordHash is no hash of a password'],
    [
      {
        users: [
          { name: 'a', password: 'x' },
          { name: 'a', password: 'y' },
        ],
      },
      'users[1].name is also the name of users[0]',
    ],
    [
      { users: [{ name: 'a', password: 'x', grants: [{ role: 'no', repository: '*' }] }] },
      'users[0].grants[0].role is no role',
    ],
  ] as const)
    test(`says what is wrong: ${problem}`, () => {
      expect(problemsOf(value)).toEqual([problem])
    })

  test('never repeats a password', () => {
    try {
      loadConfig({ text: 'users: [{name: a, passwordHash: hunter2}]', env: {}, cwd: tmpdir() })
      expect.unreachable()
    } catch (error) {
      expect(JSON.stringify((error as ConfigError).problems)).not.toContain('hunter2')
    }
  })

  test('warns of a repository that the file does not have', () => {
    expect(warningsOf({ grants: [{ user: 'a', role: 'reader', repository: 'other' }] })).toEqual([
      'grants[0].repository is no repository of this file (private)',
    ])
    expect(warningsOf({ anonymous: { pull: ['other'] } })).toEqual([
      'anonymous.pull[0] is no repository of this file (private)',
    ])
  })

  test('warns of a user who may do nothing, and of grants that mean nothing', () => {
    expect(warningsOf({ users: [{ name: 'a', password: 'x' }] })).toEqual([
      'users[0] has no grants: they may do nothing yet',
    ])
    const open = { auth: { none: {} }, grants: [{ user: 'a', role: 'reader', repository: '*' }] }
    expect(warningsOf(open).join()).toContain('grants means nothing beside auth: none')
  })
})
