import { describe, expect, test } from 'bun:test'
import { Wrong } from './kinds.ts'
import { requirement } from './ldap-kinds.ts'
import { parseLdapUrl, problemWithFilter } from './ldap-url.ts'

describe('the URL of a directory', () => {
  test('is read in the one-line form that web servers use', () => {
    const text = 'ldaps://dir.example.com/ou=people,dc=example,dc=com?uid?sub?(objectclass=posixAccount)'
    expect(parseLdapUrl(text)).toEqual({
      secure: true,
      host: 'dir.example.com',
      port: 636,
      base: 'ou=people,dc=example,dc=com',
      attribute: 'uid',
      scope: 'sub',
      filter: '(objectclass=posixAccount)',
      text,
    })
  })

  test.each([
    ['ldap://dir', { secure: false, host: 'dir', port: 389, base: undefined, attribute: undefined, scope: undefined }],
    ['LDAPS://dir:1636/', { secure: true, host: 'dir', port: 1636, base: undefined }],
    ['ldap://[2001:db8::7]:10389/dc=a', { host: '2001:db8::7', port: 10_389, base: 'dc=a' }],
    ['ldap://dir/ou=our%20people,dc=a?uid,cn,mail?ONE', { base: 'ou=our people,dc=a', attribute: 'uid', scope: 'one' }],
    ['ldap://dir/ou=our people,dc=a???(cn=a b)', { base: 'ou=our people,dc=a', filter: '(cn=a b)' }],
    ['ldap://dir/dc=a???(cn=what%3F)', { filter: '(cn=what?)' }],
    ['ldap://dir/ou=%E4%BA%BA,dc=a', { base: 'ou=人,dc=a' }],
    ['ldap://dir/dc=a????x-tls=yes', { base: 'dc=a' }],
  ])('reads %s', (text, expected) => {
    expect(parseLdapUrl(text)).toMatchObject(expected)
  })

  test.each([
    ['https://dir/dc=a', /no|not the URL/],
    ['dir.example.com', /not the URL/],
    ['ldapi:///', /unix socket/],
    ['ldap:///dc=a', /no host/],
    ['ldap://dir:70000', /no host/],
    ['ldap://dir:0', /no host/],
    ['ldap://[::g]', /no host/],
    ['ldap://a b', /no host/],
    ['ldap://cn=x:secret@dir/dc=a', /user or password/],
    ['ldap://dir/dc=a?uid?tree', /scope/],
    ['ldap://dir/dc=a?u(id', /attribute/],
    ['ldap://dir/dc=a??sub?(cn=x', /filter/],
    ['ldap://dir/dc=%zz', /%/],
    ['ldap://dir/dc=a?????', /question marks/],
    ['ldap://dir/dc=a????!StartTLS', /extension/],
  ])('refuses %s, says why and does not repeat it', (text, reason) => {
    const wrong = parseLdapUrl(text) as Wrong
    expect(wrong).toBeInstanceOf(Wrong)
    expect(wrong.reason).toMatch(reason)
    expect(`${wrong.reason} ${wrong.fix}`).not.toContain('secret')
  })
})

describe('a search filter', () => {
  test.each([
    '(uid=a)',
    'uid=a',
    '(&(objectClass=person)(|(uid={user})(mail={user}))(!(loginDisabled=TRUE)))',
    '(memberOf:1.2.840.113556.1.4.1941:=cn=staff,dc=example,dc=com)',
    '(userAccountControl:1.2.840.113556.1.4.803:=2)',
    '(cn=*)',
    '(cn=a*b*c)',
    '(cn=\\28x\\29)',
    '(uidNumber>=1000)',
    '(cn=小明)',
  ])('may be %s', (filter) => {
    expect(problemWithFilter(filter)).toBeUndefined()
  })

  test.each(['((a=b)', '(a=b))', '(&)', '(!(a=b)(c=d))', '(a=(b))', '(a)', '()', '(a=\\2)', '(&(a=b)', '(a=b)(c=d)'])(
    'may not be %s',
    (filter) => {
      expect(problemWithFilter(filter)).toBeString()
    },
  )
})

describe('a requirement', () => {
  const read = (text: string) => requirement.parse(text, '/')

  test.each([
    ['valid-user', 'everyone', []],
    ['valid_user', 'everyone', []],
    ['group developers', 'groups', ['developers']],
    ['group developers "domain users" \'x y\'', 'groups', ['developers', 'domain users', 'x y']],
    ['group "cn=Domain Users,ou=groups,dc=a"', 'groups', ['cn=Domain Users,ou=groups,dc=a']],
    ['group cn=Domain Users,ou=groups,dc=a', 'groups', ['cn=Domain Users,ou=groups,dc=a']],
    ['user alice bob', 'users', ['alice', 'bob']],
  ] as const)('may be %s', (text, of, names) => {
    expect(read(text)).toMatchObject({ of, names: [...names] })
  })

  test.each(['everyone', 'group', 'user', 'valid-user alice', 'group ""'])('may not be %s', (text) => {
    expect(read(text)).toBeInstanceOf(Wrong)
  })
})
