import { afterAll, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { run } from '../helpers/process.ts'
import { cleanEnvironment } from '../helpers/registry-process.ts'
import { startServer } from '../helpers/server.ts'
import { testMs } from './client-flow.ts'

const page = readFileSync(resolve(import.meta.dirname, '../../docs/api.md'), 'utf8')
const lines = (/^```sh\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? '').split('\n').filter((line) => line.startsWith('curl'))

const server = await startServer({ auth: 'admin' })
afterAll(() => server.stop(), testMs)
const password = readFileSync(resolve(server.dataDir, 'admin.password'), 'utf8').trim()

test(
  'the lines of docs/api.md do what they say, with an access token',
  async () => {
    expect(lines.length).toBeGreaterThan(5)
    const base = `${server.url}/api/v1`
    const made = await fetch(`${base}/tokens`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`admin:${password}`)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'scripts' }),
    })
    const { secret } = (await made.json()) as { secret: string }
    const env = { ...cleanEnvironment(), API: base, ME: `admin:${secret}` }
    const answers: string[] = []
    for (const line of lines) answers.push(await run(['sh', '-c', line], { env }))
    expect(JSON.parse(answers[0] ?? '')).toMatchObject({ name: 'admin', admin: true })
    expect(JSON.parse(answers[1] ?? '')).toMatchObject({ name: 'team', quota: { bytes: 50e9 } })
  },
  testMs,
)

test(
  'the end of a job is told to whoever listens',
  async () => {
    const headers = { authorization: `Basic ${btoa(`admin:${password}`)}` }
    const begun = await fetch(`${server.url}/api/v1/gc`, { method: 'POST', headers })
    const answer = await fetch(`${server.url}${begun.headers.get('location')}/events`, { headers })
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    // The stream ends with the job.
    const events = (await answer.text()).split('\n').filter((line) => line.startsWith('data: '))
    expect(JSON.parse(events.at(-1)?.slice(6) ?? '{}')).toMatchObject({ kind: 'gc.run', state: 'done' })
  },
  testMs,
)
