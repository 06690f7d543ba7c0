import { describe, expect, test } from 'bun:test'
import type { Kind } from './kinds.ts'
import * as kinds from './kinds.ts'
import * as nameKinds from './name-kinds.ts'

const wrong = Symbol('wrong')

function read(kind: Kind<unknown>, text: string): unknown {
  const value = kind.parse(text, '/srv')
  return value instanceof kinds.Wrong ? wrong : value
}

const cases: [string, Kind<unknown>, [string, unknown][]][] = [
  [
    'boolean',
    kinds.boolean,
    [
      ['true', true],
      ['Yes', true],
      ['on', true],
      ['off', false],
      ['N', false],
      ['1', wrong],
      ['maybe', wrong],
    ],
  ],
  [
    'integer',
    kinds.integer(1),
    [
      ['1', 1],
      ['1000', 1000],
      ['+7', 7],
      ['0', wrong],
      ['-3', wrong],
      ['1.5', wrong],
      ['1e3', wrong],
      ['0x10', wrong],
      ['9007199254740993', wrong],
    ],
  ],
  [
    'duration',
    kinds.duration(0),
    [
      ['0', 0],
      ['0s', 0],
      ['30s', 30_000],
      ['500ms', 500],
      ['1h30m', 5_400_000],
      ['168h', 604_800_000],
      ['7d', 604_800_000],
      ['1.5s', 1500],
      ['250us', 0],
      ['30', wrong],
      ['s', wrong],
      ['-5s', wrong],
      ['5 s', wrong],
      ['1h 30m', wrong],
    ],
  ],
  [
    'duration with a least value',
    kinds.duration(1000),
    [
      ['1s', 1000],
      ['999ms', wrong],
      ['0', wrong],
    ],
  ],
  [
    'size',
    kinds.size,
    [
      ['0', 0],
      ['1024', 1024],
      ['10MB', 10_000_000],
      ['4MiB', 4_194_304],
      ['2g', 2e9],
      ['1.5KiB', 1536],
      ['512B', 512],
      ['MB', wrong],
      ['-1', wrong],
      ['1XB', wrong],
    ],
  ],
  [
    'address',
    kinds.address,
    [
      [':5000', { host: '', port: 5000 }],
      ['0.0.0.0:443', { host: '0.0.0.0', port: 443 }],
      ['localhost:0', { host: 'localhost', port: 0 }],
      ['[::1]:5000', { host: '::1', port: 5000 }],
      ['/run/entrepot.sock', { socket: '/run/entrepot.sock' }],
      ['5000', wrong],
      ['::1:5000', wrong],
      ['[nonsense]:5000', wrong],
      [':65536', wrong],
      ['http://localhost:5000', wrong],
      ['localhost', wrong],
    ],
  ],
  [
    'network',
    kinds.network,
    [
      ['10.0.0.0/8', '10.0.0.0/8'],
      ['192.0.2.7', '192.0.2.7'],
      ['fd00::/8', 'fd00::/8'],
      ['::1', '::1'],
      ['10.0.0.0/33', wrong],
      ['10.0.0/8', wrong],
      ['10.0.0.0/8/8', wrong],
      ['example.com', wrong],
    ],
  ],
  [
    'path',
    kinds.path,
    [
      ['/a/b', '/a/b'],
      ['a', '/srv/a'],
      ['../a', '/a'],
      ['~/a', '/srv/~/a'],
    ],
  ],
  [
    'path prefix',
    kinds.prefix,
    [
      ['/registry/', '/registry'],
      ['/a/b', '/a/b'],
      ['/', ''],
      ['registry', wrong],
      ['//host/', wrong],
      ['/a b/', wrong],
    ],
  ],
  [
    'URL',
    kinds.webUrl,
    [
      ['https://hub.example.com', 'https://hub.example.com'],
      ['http://h:8080/x/', 'http://h:8080/x'],
      ['hub.example.com', wrong],
      ['ftp://h', wrong],
      ['https://u:p@h', wrong],
      ['https://h/?q=1', wrong],
    ],
  ],
  [
    'database',
    kinds.database,
    [
      ['sqlite:data/x.db', 'sqlite:/srv/data/x.db'],
      ['sqlite:/x.db', 'sqlite:/x.db'],
      ['sqlite::memory:', wrong],
      ['postgres://u:p@h:5432/d', 'postgres://u:p@h:5432/d'],
      ['postgresql://h/d', 'postgresql://h/d'],
      ['sqlite:', wrong],
      ['mysql://h/d', wrong],
      ['/x.db', wrong],
    ],
  ],
  [
    'name',
    nameKinds.name,
    [
      ['private', 'private'],
      ['a-b_c.d', 'a-b_c.d'],
      ['a--b', 'a--b'],
      ['A', wrong],
      ['a/b', wrong],
      ['-a', wrong],
      ['a___b', wrong],
      ['..', wrong],
      ['a'.repeat(129), wrong],
    ],
  ],
  [
    'header value',
    kinds.headerValue,
    [
      ['nosniff', 'nosniff'],
      ['a\r\nb', wrong],
      ['\u4f60', wrong],
    ],
  ],
  [
    'header name',
    kinds.headerName,
    [
      ['X-Frame-Options', 'X-Frame-Options'],
      ['X Frame', wrong],
      ['X:', wrong],
    ],
  ],
  [
    'choice',
    kinds.choice(['a', 'b'], { c: 'wait' }),
    [
      ['a', 'a'],
      ['A', wrong],
      ['c', wrong],
    ],
  ],
]

describe('kinds of values', () => {
  for (const [name, kind, rows] of cases)
    for (const [text, expected] of rows)
      test(`${name} reads ${JSON.stringify(text.slice(0, 40))} as ${expected === wrong ? 'wrong' : JSON.stringify(expected)}`, () => {
        expect(read(kind, text)).toEqual(expected)
      })

  test('a value that is shown reads back as the same value', () => {
    for (const [, kind, rows] of cases)
      for (const [text, expected] of rows)
        if (expected !== wrong && kind !== kinds.database && expected !== '')
          expect(read(kind, String(kind.show(read(kind, text))))).toEqual(expected)
  })

  test('secrets and the passwords in URLs are never shown, read or not', () => {
    expect(kinds.secret.show('hunter2')).toBe('***')
    expect(kinds.secret.mask('hunter2')).toBe('***')
    for (const url of [
      'postgres://me:hunter2@h/d',
      'mysql:me:hunter2@h',
      'postgres://me:p@hunter2/x@h/d',
      'postgres://h/d?user=x&password=hunter2&y=1',
    ]) {
      expect(kinds.database.show(url)).not.toContain('hunter2')
      expect(kinds.database.mask(url)).not.toContain('hunter2')
    }
    expect(kinds.database.show('postgres://me:hunter2@h:5432/d')).toBe('postgres://***@h:5432/d')
    expect(kinds.webUrl.mask('https://me:hunter2@h')).not.toContain('hunter2')
  })
})
