import { describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withoutInheritedSettings } from '../../test/helpers/own-environment.ts'
import { temporaryFolder } from '../../test/helpers/process.ts'
import { insertAuditEvents } from '../database/audit.ts'
import { openDatabase } from '../database/database.ts'
import { type AuditOptions, audit } from './audit.ts'

const now = Date.parse('2026-03-01T12:00:00Z')
const folder = temporaryFolder('audit-command')
const config = join(folder, 'config.yml')
writeFileSync(config, `version: 0.1\ndataDir: ${folder}\n`)
const db = await openDatabase(`sqlite:${join(folder, 'entrepot.db')}`)
const event = {
  action: 'manifest.push',
  result: 'done' as const,
  actor_kind: 'user' as const,
  actor: 'ada',
  address: '192.0.2.1',
}
await insertAuditEvents(
  db.queries,
  Array.from({ length: 2100 }, (_, index) => ({
    ...event,
    at: now - (2100 - index) * 60_000,
    repository: 'private',
    object: `app:${index}`,
    request_id: '',
    times: index === 2099 ? 3 : 1,
    detail: index === 2099 ? '{"digest":"sha256:1"}' : null,
  })),
)
await db.close()

withoutInheritedSettings()

async function run(options: AuditOptions) {
  let [out, err] = ['', '']
  const io = {
    out: { write: (text: string) => (out += text) },
    err: { write: (text: string) => (err += text) },
    stdin: [] as never,
  }
  const code = await audit({ config, ...options }, io, now)
  return { code, err, lines: out.split('\n').filter((line) => line !== '') }
}

describe('entrepot audit', () => {
  test('shows the newest 50 as lines for people', async () => {
    const { code, lines } = await run({})
    expect(code).toBe(0)
    expect(lines).toHaveLength(50)
    expect(lines[0]).toBe(
      '2026-03-01T11:59:00.000Z  done    manifest.push     ada@192.0.2.1             private app:2099 (3 times)',
    )
  })

  test('prints all of them as JSON, without what is empty', async () => {
    const { lines } = await run({ json: true })
    expect(lines).toHaveLength(2100)
    expect(JSON.parse(lines[0]!)).toEqual({
      ...event,
      id: 2100,
      at: '2026-03-01T11:59:00.000Z',
      repository: 'private',
      object: 'app:2099',
      times: 3,
      detail: { digest: 'sha256:1' },
    })
  })

  test('takes ages and times', async () => {
    expect((await run({ since: '2h', limit: '1000' })).lines).toHaveLength(120)
    expect((await run({ since: '2026-03-01T11:00:00Z', until: '30m' })).lines).toHaveLength(30)
  })

  test('says when nothing fits', async () => {
    expect(await run({ user: 'nobody' })).toEqual({ code: 0, lines: [], err: 'nothing fits\n' })
  })

  test('refuses times and numbers that are none', async () => {
    expect(await run({ since: 'yesterday' })).toMatchObject({ code: 2, lines: [] })
    expect((await run({ limit: 'many' })).err).toContain('--limit many')
  })
})
