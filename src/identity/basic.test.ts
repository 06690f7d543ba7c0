import { describe, expect, test } from 'bun:test'
import { basicChallenge, parseBasic } from './basic.ts'

const encode = (text: string | Uint8Array) => Buffer.from(text as string).toString('base64')

describe('parseBasic', () => {
  const good: [string, string, { username: string; password: string }][] = [
    ['a name and a password', `Basic ${encode('alice:secret')}`, { username: 'alice', password: 'secret' }],
    ['a password with colons', `Basic ${encode('alice:a:b::')}`, { username: 'alice', password: 'a:b::' }],
    ['an empty password', `Basic ${encode('alice:')}`, { username: 'alice', password: '' }],
    ['UTF-8', `Basic ${encode('zoë:пароль 密码')}`, { username: 'zoë', password: 'пароль 密码' }],
    ['a scheme in any case and more than one space', `bASIC   ${encode('a:b')} `, { username: 'a', password: 'b' }],
    ['base64 without its padding', `Basic ${encode('ab:c').replace(/=+$/, '')}`, { username: 'ab', password: 'c' }],
  ]
  test.each(good)('reads %s', (_what, header, expected) => expect(parseBasic(header)).toEqual(expected))

  const bad: [string, string, RegExp][] = [
    ['an empty header', '', /empty/],
    ['another scheme', 'Bearer abc', /scheme other than Basic/],
    ['a scheme alone', 'Basic', /nothing follows/],
    ['what is not base64', 'Basic a$b', /not base64/],
    ['the URL alphabet of base64', 'Basic YTpi_-==', /not base64/],
    ['base64 that was cut short', 'Basic YWxpY2U6c', /cut short/],
    ['two headers merged into one', `Basic ${encode('a:b')}, Basic ${encode('a:b')}`, /more than one/],
    ['no colon', `Basic ${encode('alice')}`, /no colon/],
    ['no name', `Basic ${encode(':secret')}`, /no user name/],
    ['a line break', `Basic ${encode('alice:secret\n')}`, /line break/],
    ['a zero byte', `Basic ${encode('alice:se\0cret')}`, /control character/],
    ['Latin-1', `Basic ${encode(Buffer.from('zoë:x', 'latin1'))}`, /not UTF-8/],
    ['a name beyond 255 bytes', `Basic ${encode(`${'a'.repeat(256)}:x`)}`, /longer than 255/],
  ]
  test.each(bad)('refuses %s and says so', (_what, header, message) => {
    expect(() => parseBasic(header)).toThrow(
      expect.objectContaining({ code: 'unauthenticated', message: expect.stringMatching(message) }),
    )
  })

  test('never repeats what was sent', () => {
    for (const [, header] of bad) {
      try {
        parseBasic(header)
      } catch (error) {
        expect((error as Error).message).not.toMatch(/alice|secret|abc/)
      }
    }
  })
})

describe('basicChallenge', () => {
  test('quotes the realm', () => {
    expect(basicChallenge('Registry Realm')).toBe('Basic realm="Registry Realm"')
    expect(basicChallenge('a "b" \\ c')).toBe('Basic realm="a \\"b\\" \\\\ c"')
  })

  test('cannot be made to add a header', () => {
    expect(basicChallenge('a\r\nX: y')).toBe('Basic realm="a??X: y"')
  })
})
