import { expect, test } from 'bun:test'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { describeOnEachDatabase } from '../../test/helpers/databases.ts'
import { waitFor } from '../../test/helpers/process.ts'
import { listAuditEvents } from '../database/audit.ts'
import { createLog } from '../telemetry/log.ts'
import { createAudit } from './audit.ts'
import type { AppEvent } from './event.ts'
import { openSyslog } from './syslog.ts'

const ada = { kind: 'user', name: 'ada', address: '192.0.2.1' } as const
const push: AppEvent = { action: 'manifest.push', result: 'done', actor: ada, repository: 'private', object: 'app:1' }
const denied: AppEvent = { action: 'login', result: 'denied', actor: { ...ada, kind: 'anonymous' } }
const lines: string[] = []
const log = createLog({ level: 'debug', formatter: 'json', stream: { write: (line: string) => void lines.push(line) } })

describeOnEachDatabase('the audit log', (open) => {
  const withAudit = async (work: (parts: Awaited<ReturnType<typeof make>>) => Promise<void>) => {
    const parts = await make()
    try {
      await work(parts)
    } finally {
      await parts.audit.close()
      await parts.close()
    }
  }
  async function make() {
    const { db, close } = await open()
    const clock = { at: 1_000_000 }
    const audit = createAudit({ db, log, now: () => clock.at })
    const list = (filter = {}, page: { limit: number; before?: number } = { limit: 100 }) =>
      listAuditEvents(db.queries, filter, page)
    return { db, audit, clock, list, close }
  }

  test('keeps what it is told', () =>
    withAudit(async ({ audit, list }) => {
      audit.tell({ ...push, detail: { digest: 'sha256:1' }, requestId: 'r1' })
      await audit.flush()
      const [row] = await list()
      expect(row).toMatchObject({ at: 1_000_000, action: 'manifest.push', result: 'done', actor: 'ada', times: 1 })
      expect(row).toMatchObject({ address: '192.0.2.1', repository: 'private', object: 'app:1', request_id: 'r1' })
      expect(JSON.parse(row?.detail ?? '')).toEqual({ digest: 'sha256:1' })
    }))

  test('writes by itself, without anyone waiting', () =>
    withAudit(async ({ audit, list }) => {
      audit.tell(push)
      await waitFor('the event', async () => (await list()).length === 1)
    }))

  test('counts a denial that repeats itself, and never a change', () =>
    withAudit(async ({ audit, list }) => {
      for (let round = 0; round < 50; round += 1) {
        audit.tell(denied)
        audit.tell(push)
      }
      await audit.flush()
      const rows = await list()
      expect(rows.filter(({ result }) => result === 'denied').map(({ times }) => times)).toEqual([50])
      expect(rows.filter(({ result }) => result === 'done')).toHaveLength(50)
    }))

  test('finds by user, repository, action, result and time, page by page', () =>
    withAudit(async ({ audit, clock, list }) => {
      for (let index = 0; index < 5; index += 1) {
        clock.at = 1000 * index
        audit.tell({ ...push, object: `app:${index}` })
        audit.tell({ ...push, action: 'blob.delete', repository: 'other', actor: { ...ada, name: 'bob' } })
      }
      audit.tell(denied)
      await audit.flush()
      const objects = async (...question: Parameters<typeof list>) =>
        (await list(...question)).map(({ object }) => object)
      expect(await objects({ actor: 'ada', result: 'done' })).toEqual(['app:4', 'app:3', 'app:2', 'app:1', 'app:0'])
      expect(await objects({ repository: 'private', since: 1000, until: 3000 })).toEqual(['app:2', 'app:1'])
      expect(await list({ action: 'blob.*' })).toHaveLength(5)
      expect(await list({ action: 'blob.delet' })).toHaveLength(0)
      const first = await list({ actor: 'ada', result: 'done' }, { limit: 2 })
      const before = first.at(-1)?.id ?? 0
      expect(await objects({ actor: 'ada', result: 'done' }, { limit: 2, before })).toEqual(['app:2', 'app:1'])
    }))

  test('forgets what is older than it is kept', () =>
    withAudit(async ({ audit, clock, list }) => {
      for (let index = 0; index < 2500; index += 1) audit.tell(push)
      await audit.flush()
      clock.at += 60_000
      audit.tell({ ...push, object: 'young' })
      await audit.flush()
      expect(await audit.prune(60_000)).toBe(0)
      expect(await audit.prune(59_999)).toBe(2500)
      expect((await list()).map(({ object }) => object)).toEqual(['young'])
    }))

  test('takes texts of any length and any byte', () =>
    withAudit(async ({ audit, list }) => {
      audit.tell({ ...push, object: `\0${'x'.repeat(100_000)}`, actor: { ...ada, name: '李雷\ud800' } })
      await audit.flush()
      expect((await list())[0]?.object.length).toBeLessThanOrEqual(500)
    }))

  test('what could not be written is written later', () =>
    withAudit(async ({ db, audit, list }) => {
      const broken = { ...push, object: 'kept' }
      let failures = 1
      const flaky = createAudit({
        db: Object.create(db, {
          transaction: {
            value: (work: Parameters<typeof db.transaction>[0]) =>
              failures-- > 0 ? Promise.reject(new Error('gone')) : db.transaction(work),
          },
        }),
        log,
        now: Date.now,
        delayMs: 5,
      })
      flaky.tell(broken)
      await flaky.flush()
      expect(await list()).toEqual([])
      await waitFor('the event', async () => (await list()).length === 1)
      await flaky.close()
      await audit.flush()
    }))
})

test('syslog over UDP gets one message for each event', async () => {
  const socket = createSocket('udp4')
  const received = new Promise<string>((resolve) => socket.once('message', (bytes) => resolve(bytes.toString())))
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const syslog = openSyslog(`udp://127.0.0.1:${socket.address().port}`, log)
  syslog.send({ ...row, result: 'denied' })
  const message = await received
  expect(message).toMatch(/^<108>1 1970-01-01T00:00:01\.000Z \S+ entrepot [0-9]+ manifest\.push - \{/)
  expect(JSON.parse(message.slice(message.indexOf('{')))).toMatchObject({ actor: 'ada', result: 'denied' })
  await syslog.close()
  socket.close()
})

test('syslog over TCP waits for a receiver that is not there yet, and counts octets', async () => {
  let received = ''
  const server = createServer((socket) => socket.on('data', (bytes) => (received += bytes.toString())))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const syslog = openSyslog(`tcp://127.0.0.1:${port}`, log)
  syslog.send({ ...row, object: '李雷' })
  syslog.send({ ...row, object: 'second' })
  await waitFor('both messages', () => received.includes('second'))
  const length = Number(received.split(' ')[0])
  const first = Buffer.from(received).subarray(String(length).length + 1, String(length).length + 1 + length)
  expect(first.toString().endsWith('}')).toBe(true)
  expect(first.toString()).toContain('李雷')
  await syslog.close()
  server.close()
})

const row = {
  at: 1000,
  action: 'manifest.push',
  result: 'done',
  actor_kind: 'user',
  actor: 'ada',
  address: '',
  repository: 'private',
  object: 'app:1',
  request_id: '',
  times: 1,
  detail: null,
} as const
