import { describe, expect, test } from 'bun:test'
import { problemWithPassword } from './password-policy.ts'
import { randomPassword } from './passwords.ts'

const problem = (password: string, name = 'ada.lovelace', minLength = 8) =>
  problemWithPassword(password, name, { minLength })

describe('a new password', () => {
  for (const bad of [
    'password',
    'Password1',
    'P@ssw0rd!',
    'passw0rd2024',
    'Welcome123',
    'Summer2026!',
    'changeme1',
    'Admin123!',
    'qwerty12',
    'letmein99',
    '!!Docker!!',
    '20242024!',
  ])
    test(`may not be ${bad}, which is guessed first`, () => expect(problem(bad)).toBeDefined())

  for (const bad of ['12345678', '87654321', 'abcdefgh', 'qwertyui', 'poiuytrewq', '1qaz2wsx', '3456789012'])
    test(`may not be ${bad}, neighbours in a row`, () => expect(problem(bad)).toMatch(/neighbour|few/))

  for (const bad of ['aaaaaaaa', 'abababab', 'abc1abc1', '11112222'])
    test(`may not be ${bad}, hardly anything over and over`, () => expect(problem(bad)).toBeDefined())

  for (const bad of ['ada.lovelace', 'Ada.Lovelace', 'ecalevol.ada', 'ada.lovelace99', '4d4.l0vel4ce'])
    test(`of ada.lovelace may not be ${bad}`, () => expect(problem(bad)).toMatch(/name/))

  test('has as many characters as are asked for, whatever bytes they need', () => {
    expect(problem('kür€ß', '', 5)).toBeUndefined()
    expect(problem('kür€ß', '', 6)).toContain('6 or more')
    expect(problem('🦊🐻🐼🐨x', '', 6)).toContain('has 5')
  })

  for (const good of [
    'correct horse battery',
    'vY7-kwpq',
    'summer-of-69-on-mars',
    'my admin is great',
    'tr0ub4dor&3x',
    'Fa!len3Blatt',
  ])
    test(`may be ${good}`, () => expect(problem(good)).toBeUndefined())

  test('of chance is always good, and a refusal never repeats what was typed', () => {
    for (let times = 0; times < 200; times++) expect(problem(randomPassword())).toBeUndefined()
    expect(problem('Password1')).not.toContain('Password1')
  })
})
