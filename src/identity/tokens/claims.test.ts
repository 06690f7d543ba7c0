import { expect, test } from 'bun:test'
import type { Principal } from '../principal.ts'
import { claimsOf, principalOfClaims } from './claims.ts'

const scopes = [{ type: 'repository', name: 'a', actions: ['pull'] }]
const principals: Principal[] = [
  { kind: 'anonymous' },
  { kind: 'user', name: 'ada', admin: true, groups: ['staff'], credential: 'local:x' },
  { kind: 'user', name: 'bob', admin: false, groups: [] },
  {
    kind: 'robot',
    name: 'robot-ci',
    admin: false,
    groups: [],
    limits: [{ repository: '*', images: [], actions: ['pull'] }],
    credential: 'token:1',
  },
]

test.each(principals)('claims bring %j back', (principal) => {
  const payload = JSON.parse(JSON.stringify({ ...claimsOf(principal), access: scopes }))
  expect(principalOfClaims(payload)).toEqual({ ...principal, scopes })
})

test('hundreds of groups fit into a header', () => {
  const groups = Array.from({ length: 500 }, (_, index) => `cn=team-${index},ou=groups,dc=example,dc=com`)
  const claims = claimsOf({ kind: 'user', name: 'ada', admin: false, groups })
  expect(JSON.stringify(claims).length).toBeLessThan(4000)
  expect(principalOfClaims({ ...claims })).toMatchObject({ groups })
})
