import { describe, expect, test } from 'bun:test'
import { AppError } from '../errors.ts'
import { createLog, type LogOptions } from './log.ts'

function logging(options: LogOptions = {}) {
  const lines: string[] = []
  return {
    log: createLog({ ...options, stream: { write: (line) => lines.push(line) } }),
    lines,
    text: () => lines.join(''),
  }
}

describe('the log', () => {
  test('writes text as people read it', () => {
    const { log, text } = logging()
    log.info('listening', { address: 'http://localhost:5000', tries: 2, name: 'two words', list: [1, 2] })
    expect(text()).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z info {2}listening address=http:\/\/localhost:5000 tries=2 name="two words" list="\[1,2\]"\n$/,
    )
  })

  test('writes JSON with its fields', () => {
    const { log, lines } = logging({ formatter: 'json', fields: { service: 'registry' } })
    log.child({ job: 'gc' }).warn('slow', { seconds: 3 })
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'warn',
      time: expect.any(String),
      service: 'registry',
      job: 'gc',
      seconds: 3,
      msg: 'slow',
    })
  })

  test('writes what logstash expects', () => {
    const { log, lines } = logging({ formatter: 'logstash' })
    log.error('broken')
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'error',
      '@timestamp': expect.any(String),
      '@version': '1',
      message: 'broken',
    })
  })

  test('drops what is below the level, and children follow a change', () => {
    const { log, lines } = logging({ level: 'warn' })
    const child = log.child({ a: 1 })
    child.info('no')
    log.level = 'debug'
    child.debug('yes')
    child.level = 'error'
    log.warn('no')
    expect(lines.map((line) => line.includes('yes'))).toEqual([true])
  })

  test('shows an error with its stack and its causes', () => {
    const { log, text } = logging()
    log.error('failed', { error: new AppError('unavailable', 'cannot read', { cause: new Error('disk gone') }) })
    expect(text()).toMatch(
      /failed error="cannot read" caused_by="disk gone"\n {4}AppError: cannot read[^\0]*\n {4}Error: disk gone/,
    )
  })

  test('cannot be made to show a forged line', () => {
    const { log, lines } = logging()
    log.info('a\n2026-01-01 error forged', { value: 'x\r\ny\u001b[2J' })
    expect(lines[0]?.split('\n')).toHaveLength(2)
    expect(lines[0]).not.toMatch(/[\r\u001b]/)
  })

  for (const formatter of ['text', 'json', 'logstash'] as const)
    test(`never shows a secret as ${formatter}`, () => {
      const { log, text } = logging({ formatter, fields: { password: 'hunter2' } })
      log.child({ token: 'hunter2' }).info('request to https://user:hunter2@example.com/ with Bearer hunter2', {
        headers: new Headers({ authorization: 'Basic hunter2', cookie: 'session=hunter2', accept: 'shown' }),
        nested: {
          bindPassword: 'hunter2',
          list: [{ clientSecret: 'hunter2' }],
          url: new URL('https://user:hunter2@example.com/'),
        },
        access_token: 'hunter2',
        privateKey: 'hunter2',
        error: new Error('could not fetch http://user:hunter2@proxy:3128', { cause: { secret: 'hunter2' } }),
      })
      expect(text()).not.toContain('hunter2')
      expect(text()).toContain('shown')
      expect(text()).toContain('https://***@example.com/')
    })

  test('keeps fields that only sound like secrets', () => {
    const { log, text } = logging()
    log.info('counts', { tokensIssued: 3, keyCount: 4 })
    expect(text()).toContain('tokensIssued=3 keyCount=4')
  })

  test('survives values that JSON cannot hold', () => {
    const loop: Record<string, unknown> = { big: 10n }
    loop.self = loop
    const { log, lines } = logging()
    log.info('odd', { loop })
    expect(lines).toHaveLength(1)
  })
})
