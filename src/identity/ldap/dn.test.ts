import { describe, expect, test } from 'bun:test'
import { escapeForDn, firstOfDn, isSameDn, isWithin, nameInDn, partsOfDn } from './dn.ts'
import { bindNameFor } from './find-user.ts'

describe('DNs', () => {
  test.each([
    ['cn=developers,ou=groups,dc=example,dc=com', 'developers'],
    ['CN=Zhang\\, Wei,OU=People,DC=example,DC=com', 'Zhang, Wei'],
    ['cn=\\E5\\BC\\A0\\E4\\BC\\9F,dc=a', '张伟'],
    ['cn=张伟,dc=a', '张伟'],
    ['cn=a\\\\b,dc=a', 'a\\b'],
    ['cn=trailing\\ ,dc=a', 'trailing '],
    ['cn = spaced  , dc=a', 'spaced'],
    ['cn=a=b,dc=a', 'a=b'],
  ])('%s is called %s', (dn, name) => {
    expect(nameInDn(dn)).toBe(name)
  })

  test('are compared without regard to case, escapes and spaces around', () => {
    expect(isSameDn('CN=Dev,OU=Groups,DC=a', 'cn=dev, ou=groups, dc=A')).toBe(true)
    expect(isSameDn('cn=a\\2Cb,dc=a', 'cn=a\\,b,dc=a')).toBe(true)
    expect(isSameDn('cn=a\\,dc=b,dc=a', 'cn=a,dc=b,dc=a')).toBe(false)
    expect(isSameDn('not a dn', 'not a dn')).toBe(false)
  })

  test('are within a base only when their last parts are that base', () => {
    expect(isWithin('cn=a,ou=groups,dc=example,dc=com', 'OU=Groups, dc=example,dc=com')).toBe(true)
    expect(isWithin('ou=groups,dc=example,dc=com', 'ou=groups,dc=example,dc=com')).toBe(true)
    expect(isWithin('cn=a,ou=hr,dc=example,dc=com', 'ou=groups,dc=example,dc=com')).toBe(false)
    expect(isWithin('cn=x\\,ou=groups\\,dc=com', 'ou=groups,dc=com')).toBe(false)
    expect(isWithin('dc=com', 'ou=groups,dc=com')).toBe(false)
  })

  test('are no other texts', () => {
    for (const text of ['', 'developers', 'cn', ',', 'cn=a,,dc=b']) expect(partsOfDn(text)).toBeUndefined()
  })

  test.each(['a,b', 'a+b', '"quoted"', 'a\\b', '<a>', 'a;b', 'a=b', ' a', '#a', 'a ', ' ', '张, 伟', 'uid=admin,ou=x'])(
    'take the value %j whole, whatever is in it',
    (value) => {
      expect(partsOfDn(`uid=${escapeForDn(value)},dc=a`)).toHaveLength(2)
      expect(firstOfDn(`uid=${escapeForDn(value)},dc=a`)).toEqual({ type: 'uid', value })
    },
  )
})

describe('what a user binds as', () => {
  test('has the name in it, escaped where it is a DN', () => {
    expect(bindNameFor('uid={user},ou=people,dc=a', 'alice')).toBe('uid=alice,ou=people,dc=a')
    expect(bindNameFor('uid={user},ou=people,dc=a', 'x,ou=admins')).toBe('uid=x\\,ou\\=admins,ou=people,dc=a')
    expect(bindNameFor('{user}@corp.example.com', "o'neil, j.")).toBe("o'neil, j.@corp.example.com")
    expect(bindNameFor('uid={user},dc=a', '$&')).toBe('uid=$&,dc=a')
  })
})
