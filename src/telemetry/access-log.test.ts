import { describe, expect, test } from 'bun:test'
import { type AccessEntry, createAccessLog } from './access-log.ts'

const entry: AccessEntry = {
  id: 'id-1',
  clientAddress: '203.0.113.9',
  user: 'ann',
  method: 'GET',
  target: '/v2/team/app/manifests/latest?ns=docker.io',
  status: 200,
  bytes: 700,
  referer: '',
  userAgent: 'docker/28.2.2 go/go1.24',
  seconds: 0.0123456,
}

function written(formatter: 'text' | 'json' | 'logstash', ...entries: AccessEntry[]): string {
  let text = ''
  const log = createAccessLog({ formatter, stream: { write: (lines) => (text += lines) } })
  for (const one of entries) log.write(one)
  log.flush()
  return text
}

describe('the access log', () => {
  test('writes the Combined Log Format with request id and time', () => {
    expect(written('text', entry)).toMatch(
      /^203\.0\.113\.9 - ann \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/v2\/team\/app\/manifests\/latest\?ns=docker\.io HTTP\/1\.1" 200 700 "-" "docker\/28\.2\.2 go\/go1\.24" id-1 12\.3ms\n$/,
    )
  })

  test('says how a proxy came by its answer, and nothing of it elsewhere', () => {
    expect(written('text', { ...entry, cache: 'stale' })).toEndWith(' id-1 12.3ms cache=stale\n')
    expect(JSON.parse(written('json', { ...entry, cache: 'hit' }))).toMatchObject({ id: 'id-1', cache: 'hit' })
    expect(JSON.parse(written('json', { ...entry, cache: undefined }))).not.toHaveProperty('cache')
  })

  test('shows what is unknown as a dash', () => {
    expect(written('text', { ...entry, user: undefined, clientAddress: '', bytes: undefined, userAgent: '' })).toMatch(
      /^- - - \[.* 200 - "-" "-" id-1 /,
    )
  })

  test('writes JSON, one object per line', () => {
    const lines = written('json', entry, { ...entry, id: 'id-2', bytes: undefined })
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([{ level: 'info', msg: 'request', ...entry, seconds: 0.012346 }, { id: 'id-2' }])
    expect(JSON.parse(written('logstash', entry))).toMatchObject({ '@version': '1', message: 'request', id: 'id-1' })
  })

  test('cannot be made to show a forged line', () => {
    const text = written('text', { ...entry, userAgent: 'x" 200\n1.2.3.4 - - "', referer: '\\', user: 'a b\r' })
    expect(text.split('\n')).toHaveLength(2)
    expect(text).toContain('x\\" 200\\u000a1.2.3.4')
  })

  for (const formatter of ['text', 'json', 'logstash'] as const)
    test(`hides secrets in queries as ${formatter}`, () => {
      const target =
        '/v2/x/blobs/uploads/1?access_token=hunter2&digest=sha256:aa&X-Amz-Signature=hunter2&_state=hunter2'
      const text = written(formatter, { ...entry, target })
      expect(text).not.toContain('hunter2')
      expect(text).toContain('digest=sha256:aa')
    })

  test('writes by itself soon', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    createAccessLog({ stream: { write: resolve } }).write(entry)
    expect(await promise).toContain('id-1')
  })
})
