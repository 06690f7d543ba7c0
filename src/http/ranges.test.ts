import { describe, expect, test } from 'bun:test'
import { ifRangeHolds, maximumRanges, parseRange } from './ranges.ts'

/** `whole`, `416`, or the parts as `first-last` joined by spaces. */
function answer(header: string | null, size = 1000): string {
  const result = parseRange(header, size)
  if (result.kind === 'parts') return result.parts.map(({ first, last }) => `${first}-${last}`).join(' ')
  return result.kind === 'whole' ? 'whole' : '416'
}

describe('a Range header', () => {
  const rows: [header: string | null, expected: string, size?: number][] = [
    [null, 'whole'],
    ['bytes=0-0', '0-0'],
    ['bytes=0-', '0-999'],
    ['bytes=10-19', '10-19'],
    ['bytes=990-2000', '990-999'],
    ['bytes=999-', '999-999'],
    ['bytes=-1', '999-999'],
    ['bytes=-5000', '0-999'],
    ['bytes=1-99999999999999999999999', '1-999'],
    ['BYTES=1-2', '1-2'],
    [' bytes = 1 - 2 ', '1-2'],
    ['bytes=1000-', '416'],
    ['bytes=99999999999999999999999-', '416'],
    ['bytes=-0', '416'],
    ['bytes=500-0', '416'],
    ['bytes=0-0', '416', 0],
    ['bytes=-1', '416', 0],
    ['bytes=0-', '416', 0],
    ['bytes=5-6,1-2,5-6', '5-6 1-2 5-6'],
    ['bytes=0-1, 2000-3000, 4-5', '0-1 4-5'],
    ['bytes=2000-,3000-', '416'],
    ['bytes=', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=a-b', 'whole'],
    ['bytes=1-2,x', 'whole'],
    ['bytes=1-2,', 'whole'],
    ['bytes=+1-2', 'whole'],
    ['bytes=0x1-2', 'whole'],
    ['bytes=1-2-3', 'whole'],
    ['items=1-2', 'whole'],
    ['1-2', 'whole'],
  ]
  for (const [header, expected, size] of rows)
    test(`${header} of ${size ?? 1000} bytes means ${expected}`, () => expect(answer(header, size)).toBe(expected))

  test('may name hundreds of ranges, kept in order and apart', () => {
    const specs = Array.from({ length: 700 }, (_, index) => `${(699 - index) * 10}-${(699 - index) * 10 + 4}`)
    expect(answer(`bytes=${specs.join(',')}`, 10_000)).toBe(specs.join(' '))
  })

  test('with more ranges than anyone needs means the whole object', () => {
    expect(
      answer(
        `bytes=${Array(maximumRanges + 1)
          .fill('0-0')
          .join(',')}`,
      ),
    ).toBe('whole')
  })

  test('with overlapping ranges cannot multiply the object', () => {
    expect(answer(`bytes=${Array(500).fill('0-').join(',')}`)).toBe('whole')
    expect(answer(`bytes=${Array(500).fill('0-3').join(',')}`).split(' ')).toHaveLength(500)
  })
})

describe('If-Range', () => {
  const rows: [ifRange: string | null, etag: string | null, holds: boolean][] = [
    [null, null, true],
    ['"a"', '"a"', true],
    ['"b"', '"a"', false],
    ['W/"a"', 'W/"a"', false],
    ['"a"', null, false],
    ['Sat, 29 Oct 1994 19:43:31 GMT', '"a"', false],
  ]
  for (const [ifRange, etag, holds] of rows)
    test(`${ifRange} against ${etag} ${holds ? 'holds' : 'does not hold'}`, () =>
      expect(ifRangeHolds(ifRange, etag)).toBe(holds))
})
