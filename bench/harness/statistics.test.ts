import { describe, expect, test } from 'bun:test'
import { type Comparison, number, rowsOf, spread } from './comparison.ts'
import { rounds } from './rounds.ts'
import { advantage, median, summarize } from './statistics.ts'
import { markdownTable, textTable } from './table.ts'

const speed: Comparison = {
  work: 'GET',
  unit: 'requests/s',
  better: 'higher',
  subject: [3000, 1000, 2000],
  peers: [
    { name: 'slow', values: [100], ratio: 20 },
    { name: 'fast', values: [4000], ratio: 0.9 },
    { name: 'other', values: [2000] },
  ],
}

describe('statistics', () => {
  test('the median is the middle value, or the mean of the two middle ones, and leaves its input in order', () => {
    const values = [9, 1, 5]
    expect(median(values)).toBe(5)
    expect(values).toEqual([9, 1, 5])
    expect(median([10, 9, 1, 2])).toBe(5.5)
    expect(() => median([])).toThrow(RangeError)
  })

  test('a summary holds the extremes and the number of rounds', () => {
    expect(summarize([4, 2, 3])).toEqual({ median: 3, min: 2, max: 4, rounds: 3 })
  })

  test('an advantage above 1 means the subject is better, for rates and for times', () => {
    expect(advantage(200, 100, 'higher')).toBe(2)
    expect(advantage(1, 4, 'lower')).toBe(4)
  })

  test('rounds interleave the sides and keep their values apart', async () => {
    const order: string[] = []
    const values = await rounds(2, ['a', 'b'], async (side, round) => {
      order.push(`${side}${round}`)
      return side === 'a' ? round : 10 + round
    })
    expect(order).toEqual(['a0', 'b0', 'a1', 'b1'])
    expect(values).toEqual([
      [0, 1],
      [10, 11],
    ])
  })
})

describe('comparison', () => {
  test('each peer gets a row judged by its own ratio of medians', () => {
    const rows = rowsOf(speed)
    expect(rows.map(({ ratio, verdict }) => [ratio, verdict])).toEqual([
      ['20.0x', 'met'],
      ['0.500x', 'missed'],
      ['1.00x', 'no budget'],
    ])
    expect(rows[0]!.peer).toBe('slow: 100 requests/s')
  })

  test('a limit is a ceiling where lower is better and a floor where higher is', () => {
    const lower = { work: 'start', unit: 's', better: 'lower', subject: [0.4], limit: 0.5, peers: [] } as const
    expect(rowsOf(lower)[0]).toMatchObject({ budget: 'at most 0.500 s', verdict: 'met' })
    expect(rowsOf({ ...lower, subject: [0.6] })[0]!.verdict).toBe('missed')
    expect(rowsOf({ ...lower, better: 'higher' })[0]!.verdict).toBe('missed')
  })

  test('a lone peer without a ratio shares the row of the limit', () => {
    const rows = rowsOf({ ...speed, limit: 1500, peers: [{ name: 'p', values: [1000] }] })
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({ ratio: '2.00x', budget: 'at least 1,500 requests/s', verdict: 'met' })
  })

  test('numbers keep three significant digits and separate thousands', () => {
    expect([0, 0.01234, 1.5, 42.25, 999.6, 1234567].map(number)).toEqual([
      '0',
      '0.0123',
      '1.50',
      '42.3',
      '1,000',
      '1,234,567',
    ])
    expect(spread([1, 3, 2], 'ms')).toBe('2.00 ms (1.00 to 3.00)')
  })
})

describe('table', () => {
  test('a terminal table is aligned and names the subject', () => {
    const [head, line, first] = textTable(rowsOf(speed), 'Entrepot').split('\n')
    expect(head).toStartWith('work  Entrepot')
    expect(line).toStartWith('----  ---')
    expect(first!.indexOf('slow')).toBe(head!.indexOf('peer'))
  })

  test('pipes cannot break a Markdown table', () => {
    expect(markdownTable(rowsOf({ ...speed, work: 'a|b' }), 'S').split('\n')[2]).toStartWith('| a\\|b |')
  })
})
