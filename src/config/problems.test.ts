import { describe, expect, test } from 'bun:test'
import { ConfigError, nearest, problemLine, warningLine } from './problems.ts'

describe('suggestions', () => {
  const known = ['addr', 'idleTimeout', 'trustedProxies', 'tls', 'http', 'htpasswd']
  const rows: [string, string | undefined][] = [
    ['adr', 'addr'],
    ['address', undefined],
    ['idletimeout', 'idleTimeout'],
    ['trusted-proxies', 'trustedProxies'],
    ['htp', 'http'],
    ['htpasswords', undefined],
    ['zzz', undefined],
    ['', undefined],
  ]
  for (const [word, expected] of rows)
    test(`${JSON.stringify(word)} is ${expected ? `taken for ${expected}` : 'like nothing known'}`, () => {
      expect(nearest(word, known)).toBe(expected)
    })
})

describe('problems', () => {
  const problem = {
    path: 'http.addr',
    source: 'a.yml line 3',
    value: 'x',
    reason: 'is not an address',
    fix: 'write :5000',
  }

  test('a problem is one line with place, value, reason and fix', () => {
    expect(problemLine(problem)).toBe('http.addr (a.yml line 3) "x" is not an address: write :5000')
    expect(problemLine({ ...problem, path: '', value: undefined })).toBe('a.yml line 3 is not an address: write :5000')
  })

  test('a warning is one line', () => {
    expect(warningLine({ path: 'redis', source: 'a.yml line 1', message: 'has no effect' })).toBe(
      'redis (a.yml line 1) has no effect',
    )
  })

  test('the message of the error lists all of them', () => {
    const message = new ConfigError([problem, { ...problem, path: 'b' }]).message
    expect(message.split('\n')).toHaveLength(3)
    expect(message).toContain('2 problems')
  })
})
