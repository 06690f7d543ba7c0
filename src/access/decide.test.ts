import { describe, expect, test } from 'bun:test'
import { anonymous, type KnownPrincipal, type Limit, type Principal } from '../identity/principal.ts'
import { compileAccess } from './access.ts'
import { type Action, claimsOnly, type Target } from './decide.ts'
import { rolesWith } from './roles.ts'

const limits: Limit[] = [
  { repository: 'private', images: ['team/**', '!team/secret'], actions: ['pull', 'push'] },
  { repository: '*', images: ['base'], actions: ['pull'] },
  { repository: 'other', images: [], actions: ['delete'] },
]

const rules = { grants: [], roles: rolesWith([]), writableMember: () => undefined, usersMayAll: true }
const usersOnly = (principal: Principal, action: Action, target?: Target) =>
  compileAccess(rules).judge(principal, action, target).allowed
const user: KnownPrincipal = { kind: 'user', name: 'ada', admin: false, groups: [] }

describe('limits', () => {
  test.each([
    ['pull', 'private', 'team/app', true],
    ['push', 'private', 'team/app', true],
    ['delete', 'private', 'team/app', false],
    ['pull', 'private', 'team/secret', false],
    ['pull', 'private', 'teams/app', false],
    ['pull', 'privat', 'team/app', false],
    ['pull', 'anything', 'base', true],
    ['push', 'anything', 'base', false],
    ['delete', 'other', 'whatever', true],
    ['pull', 'other', 'whatever', false],
  ] as [Action, string, string, boolean][])('%s of %s/%s: %p', (action, repository, image, expected) => {
    expect(usersOnly({ ...user, limits }, action, { repository, image })).toBe(expected)
  })
})

describe('where users may do everything', () => {
  const target = { repository: 'private', image: 'team/app' }

  test('a limited credential may do what it says, whoever holds it', () => {
    expect(usersOnly(user, 'delete', target)).toBe(true)
    const limited = { ...user, admin: true, limits }
    expect(usersOnly(limited, 'push', target)).toBe(true)
    expect(usersOnly(limited, 'delete', target)).toBe(false)
    expect(usersOnly(limited, 'enter')).toBe(true)
    expect(usersOnly(limited, 'observe')).toBe(false)
  })

  test('a robot has nothing but its limits, and strangers have nothing', () => {
    const robot: KnownPrincipal = { ...user, kind: 'robot' }
    expect(usersOnly(robot, 'pull', target)).toBe(false)
    expect(usersOnly({ ...robot, limits }, 'pull', target)).toBe(true)
    expect(usersOnly(anonymous, 'pull', target)).toBe(false)
  })
})

test('where claims decide, those without a token have nothing, and nobody reads numbers', () => {
  expect(claimsOnly(anonymous, 'pull')).toBe(false)
  expect(claimsOnly({ kind: 'anonymous', scopes: [] }, 'pull')).toBe(true)
  expect(claimsOnly({ kind: 'anonymous', scopes: [] }, 'observe')).toBe(false)
})
