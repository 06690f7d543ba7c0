import { describe, expect, test } from 'bun:test'
import { fakeIncoming } from '../../test/helpers/fake-incoming.ts'
import { createDebug } from './debug.ts'
import { createHealth } from './health.ts'

const broken = {
  description: 'the disk',
  check: async () => {
    throw new Error('the disk is full')
  },
}
const good = { description: 'the database', check: async () => {} }

async function ask(path: string, { parts = [good], method = 'GET', metrics = true } = {}) {
  const health = createHealth(parts, () => false)
  const handler = () => new Response('numbers')
  const debug = createDebug({ ...health, metrics: metrics ? { path: '/numbers', handler } : undefined })
  const response = await debug(fakeIncoming(method, path))
  return { status: response.status, text: await response.text() }
}

describe('the listener for operators', () => {
  test('answers /debug/health as registry:2 does', async () => {
    expect(await ask('/debug/health')).toEqual({ status: 200, text: '{}' })
    const { status, text } = await ask('/debug/health', { parts: [good, broken] })
    expect(status).toBe(503)
    expect(JSON.parse(text)).toEqual({ 'the disk': 'the disk is full' })
  })

  test('has the health pages of the main listener', async () => {
    expect((await ask('/healthz')).status).toBe(200)
    expect((await ask('/readyz', { parts: [broken] })).status).toBe(503)
  })

  test('serves metrics at the configured path, and only when asked to', async () => {
    expect((await ask('/numbers')).text).toBe('numbers')
    expect((await ask('/numbers', { metrics: false })).status).toBe(404)
  })

  test('answers HEAD without a body and refuses to be written to', async () => {
    expect(await ask('/numbers', { method: 'HEAD' })).toEqual({ status: 200, text: '' })
    expect((await ask('/numbers', { method: 'POST' })).status).toBe(405)
    expect((await ask('/v2/')).status).toBe(404)
  })
})
