import { expect, test } from 'bun:test'
import type { Requirement } from '../../config/ldap-kinds.ts'
import { requirement } from '../../config/ldap-kinds.ts'
import { metBy } from './requirements.ts'

const alice = { name: 'alice', entry: { dn: 'uid=alice,ou=people,dc=a', values: () => [] } }
const groups = [
  { name: 'Developers', dn: 'cn=Developers,ou=groups,dc=a' },
  { name: 'a=b', dn: 'cn=a\\=b,ou=groups,dc=a' },
]
const meets = (...texts: string[]) =>
  metBy(
    texts.map((text) => requirement.parse(text, '/') as Requirement),
    alice,
    groups,
  )?.text

test.each([
  ['valid-user'],
  ['group developers'],
  ['group operators developers'],
  ['group cn=developers, ou=groups, dc=a'],
  ['user ALICE bob'],
  ['user "uid=alice,ou=people,dc=a"'],
])('%s is met', (text) => {
  expect(meets(text)).toBe(text)
})

test.each([
  ['group develop'],
  ['group cn=developers,ou=other,dc=a'],
  ['user bob'],
  ['user developers'],
  ['group alice'],
  ['user uid=alice,dc=a'],
])('%s is not met', (text) => {
  expect(meets(text)).toBeUndefined()
})

test('one of several suffices, and none at all lets nobody in', () => {
  expect(meets('group operators', 'user alice')).toBe('user alice')
  expect(meets()).toBeUndefined()
})
