import { describe, expect, test } from 'bun:test'
import { filterFor } from './filters.ts'

const shown = (template: string, user: string, dn = 'cn=x') => filterFor(template, { user, dn }).toString()

describe('a filter with a name in it', () => {
  test('is what the template says', () => {
    expect(shown('(&(objectClass=posixAccount)(uid={user}))', 'alice')).toBe('(&(objectClass=posixAccount)(uid=alice))')
    expect(shown('(|(member={dn})(memberUid={user}))', 'bob', 'uid=bob,dc=a')).toBe(
      '(|(member=uid=bob,dc=a)(memberUid=bob))',
    )
  })

  test.each([
    ['*', '\\2a'],
    ['*)(uid=*', '\\2a\\29\\28uid=\\2a'],
    ['admin)(|(uid=*', 'admin\\29\\28|\\28uid=\\2a'],
    ['\\2a', '\\5c2a'],
    ['a\0b', 'a\\00b'],
    ['{dn}', '{dn}'],
    ['{user}', '{user}'],
    ['$&', '$&'],
    ['小明', '小明'],
  ])('takes the name %j as a name and nothing else', (user, escaped) => {
    expect(shown('(&(objectClass=person)(uid={user}))', user)).toBe(`(&(objectClass=person)(uid=${escaped}))`)
  })

  test('takes it whole also between asterisks, in rules and in negations', () => {
    expect(shown('(mail={user}@*)', 'a*b')).toBe('(mail=a\\2ab@*)')
    expect(shown('(!(cn:caseExactMatch:={user}))', 'a)b')).toBe('(!(cn:caseExactMatch:=a\\29b))')
  })

  test('understands escaped characters beyond ASCII', () => {
    expect(shown('(cn=\\e5\\bc\\a0\\2a)', '')).toBe('(cn=张\\2a)')
  })

  test('is refused when it is none', () => {
    expect(() => shown('((a=b)', '')).toThrow('is no search filter')
  })
})
