import { describe, expect, test } from 'bun:test'
import { parseHtpasswd, withoutUser, withUser } from './htpasswd.ts'

const bcrypt = '$2y$05$pUE3/dbVCdlGIu./L6e4DOrAAlM3VzjkrgfQRWm678/qIDrUNMOcq'

describe('parseHtpasswd', () => {
  test('skips comments and blank lines, and takes CRLF and a byte order mark', () => {
    const { entries, warnings } = parseHtpasswd(`\uFEFFalice:${bcrypt}\r\n\r\n# bob:${bcrypt}\r\n  \r\ncarol:${bcrypt}`)
    expect([...entries.keys()]).toEqual(['alice', 'carol'])
    expect(entries.get('alice')).toEqual({ name: 'alice', hash: bcrypt, kind: 'bcrypt', line: 1 })
    expect(warnings).toEqual([])
  })

  test('counts a name where it stands first, as Apache does', () => {
    const { entries, warnings } = parseHtpasswd(`alice:${bcrypt}\nalice:{SHA}EfatjsUqKYSrqv18O1FlA3hcIHI=\n`)
    expect(entries.get('alice')?.kind).toBe('bcrypt')
    expect(warnings).toEqual([expect.stringMatching(/^line 2: user "alice" already stands on line 1/)])
  })

  test('lets a second line not stand in for a first that is refused', () => {
    expect(parseHtpasswd(`alice:plain\nalice:${bcrypt}`).entries.get('alice')?.kind).toBe('refused')
  })

  test('ends the hash at the next colon', () => {
    expect(parseHtpasswd(`alice:${bcrypt}:Alice Doe`).entries.get('alice')?.hash).toBe(bcrypt)
  })

  const refused: [string, string, RegExp][] = [
    [
      'a password in the clear',
      'alice:secret',
      /line 1: user "alice" cannot enter: .* in the clear .*entrepot user add alice/,
    ],
    ['crypt with SHA-512', 'alice:$6$salt$secret', /\$5\$, \$6\$/],
    ['crypt with SHA-256', 'alice:$5$rounds=5000$salt$secret', /\$5\$, \$6\$/],
    ['an empty password', 'alice:', /there is no password/],
    ['a damaged bcrypt hash', 'alice:$2y$05$secret', /damaged/],
    ['bcrypt of a cost that would tie up a core', `alice:${bcrypt.replace('05', '31')}`, /more than 17/],
    ['argon2id of any cost', 'alice:$argon2id$v=19$m=9999999,t=99,p=1$c2FsdHNhbHQ$c2VjcmV0', /unknown form/],
    ['a line without a colon', 'secret', /line 1 is not "user:hash"/],
    ['a line without a name', ':secret', /line 1 is not "user:hash"/],
  ]
  test.each(refused)('warns of %s, naming the line and never the hash', (_what, text, message) => {
    const { entries, warnings } = parseHtpasswd(text)
    expect([...entries.values()].filter(({ kind }) => kind !== 'refused')).toEqual([])
    expect(warnings).toEqual([expect.stringMatching(message)])
    expect(warnings[0]).not.toContain('secret')
  })

  test('accepts apr1 and {SHA} with a warning', () => {
    const { entries, warnings } = parseHtpasswd(
      'a:$apr1$rHH5mZ.f$25ZAPpvI29.6qljo1jVSd0\nb:{SHA}EfatjsUqKYSrqv18O1FlA3hcIHI=\n',
    )
    expect([...entries.values()].map(({ kind }) => kind)).toEqual(['apr1', 'sha1'])
    expect(warnings).toEqual([expect.stringMatching(/line 1: .*"a".*MD5/), expect.stringMatching(/line 2: .*"b".*SHA/)])
  })
})

describe('editing', () => {
  const file = '# ours\nalice:1\n\n bob:2\nalice:3\n'

  test('changes the line that counts and no other', () => {
    expect(withUser(file, 'alice', 'new')).toBe('# ours\nalice:new\n\n bob:2\nalice:3\n')
    expect(withUser(file, 'bob', 'new')).toBe('# ours\nalice:1\n\nbob:new\nalice:3\n')
  })

  test('adds at the end, also when the last line was left open', () => {
    expect(withUser('', 'carol', 'x')).toBe('carol:x\n')
    expect(withUser(file, 'carol', 'x')).toBe(`${file}carol:x\n`)
    expect(withUser('alice:1', 'carol', 'x')).toBe('alice:1\ncarol:x\n')
    expect(withUser('a:1\r\nb:2\r\n', 'carol', 'x')).toBe('a:1\r\nb:2\r\ncarol:x\r\n')
    expect(withUser('a:1\r\nb:2', 'carol', 'x')).toBe('a:1\r\nb:2\r\ncarol:x\r\n')
  })

  test('removes every line of a user, so that no older password comes to life', () => {
    expect(withoutUser(file, 'alice')).toBe('# ours\n\n bob:2\n')
    expect(withoutUser(file, 'nobody')).toBeUndefined()
    expect(withoutUser('\uFEFFalice:1\nbob:2\n', 'alice')).toBe('bob:2\n')
  })

  test('does not take a name for the start of a longer one, or for a comment', () => {
    expect(withoutUser('alice2:1\n#alice:1\n', 'alice')).toBeUndefined()
  })
})
