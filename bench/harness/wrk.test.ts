import { describe, expect, test } from 'bun:test'
import { parseWrk } from './wrk.ts'

const good = '  5310 requests in 3.01s, 1.52MB read\nRequests/sec:   1764.28\nTransfer/sec:    516.88KB\n'

describe('wrk', () => {
  test('the rate is read from the summary', () => {
    expect(parseWrk(good)).toBe(1764.28)
  })

  test('a rate of errors, or none at all, is not a result', () => {
    expect(() => parseWrk(`${good}  Non-2xx or 3xx responses: 5310\n`)).toThrow('Non-2xx')
    expect(() => parseWrk(`  Socket errors: connect 0, read 9, write 0, timeout 0\n${good}`)).toThrow('Socket errors')
    expect(() => parseWrk('Requests/sec:      0.00\n')).toThrow('did not measure')
    expect(() => parseWrk('unable to connect')).toThrow('unable to connect')
  })
})
