import { describe, expect, test } from 'bun:test'
import { readYaml } from './yaml.ts'

function read(text: string) {
  return readYaml(text, (line) => `line ${line}`)
}

/** What was written as plain data, texts as they stand. */
function plain(text: string): unknown {
  const { written, problems } = read(text)
  if (problems.length > 0) return problems.map(({ source, reason }) => `${source} ${reason}`)
  return JSON.parse(
    JSON.stringify(written, (_, value) => {
      if (value?.form === 'scalar') return value.text
      if (value?.form === 'list') return value.items
      return value?.form === 'map' ? Object.fromEntries(value.entries) : value
    }),
  )
}

describe('reading YAML', () => {
  const rows: [string, unknown][] = [
    ['a: 0123', { a: '0123' }],
    ['a: 1.10', { a: '1.10' }],
    ['a: 1e3', { a: '1e3' }],
    ['a: yes', { a: 'yes' }],
    ['a: "x\\ty"', { a: 'x\ty' }],
    ['a: |\n  x\n  y', { a: 'x\ny\n' }],
    ['a: ~\nb:\nc: null\nd: ""', { a: '', b: '', c: '', d: '' }],
    ['a: x # said', { a: 'x' }],
    ['1: a', { '1': 'a' }],
    ['"a b": c', { 'a b': 'c' }],
    ['a: &x [1, 2]\nb: *x', { a: ['1', '2'], b: ['1', '2'] }],
    ['a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}', { a: { p: '1', q: '2' }, b: { p: '1', q: '3' } }],
    [
      'a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y]}',
      { a: { p: '1' }, b: { p: '2', q: '2' }, c: { p: '1', q: '2' } },
    ],
    ['', ''],
    ['# nothing', ''],
    ['---\na: b\n...\n', { a: 'b' }],
  ]
  for (const [text, expected] of rows)
    test(`${JSON.stringify(text)} is read with its texts as they stand`, () => {
      expect(plain(text)).toEqual(expected)
    })

  test('nodes know their line, sections and lists that of their key', () => {
    const { written } = read('a:\n  b: 1\n  c:\n    - x\n    - y\n')
    const lines =
      JSON.stringify(written, (_, value) => (value instanceof Map ? [...value] : value)).match(/line \d/g) ?? []
    expect([...lines]).toEqual(['line 2', 'line 4', 'line 5', 'line 3', 'line 1', 'line 1'])
  })

  test('problems name the line and never quote the text', () => {
    for (const text of [
      'a: b\nsecret: [hunter2',
      'a: hunter2: b',
      'a: "hunter2',
      'a: b\na: hunter2',
      'a: @hunter2',
      '- a\nhunter2: c',
      'a: *hunter2',
    ]) {
      const { problems } = read(text)
      expect(problems.length).toBeGreaterThan(0)
      for (const { source, reason } of problems) {
        expect(source).toMatch(/^line \d$/)
        expect(reason).not.toContain('hunter2')
      }
    }
  })

  test('aliases that would grow without end are cut', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 9; i++)
      bomb.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      )
    for (const text of [bomb.join('\n'), 'a: &a [*a]', 'a: &a {b: *a}', `a: ${'['.repeat(200)}${']'.repeat(200)}`])
      expect(read(text).problems).toMatchObject([{ reason: expect.stringContaining('has more than 20000 values') }])
  })
})
