import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AuditFilter, listAuditEvents } from '../../src/database/audit.ts'
import { waitFor } from '../helpers/process.ts'
import { describeRegistry, type TestRegistry } from '../helpers/registry.ts'

const users = join(tmpdir(), `entrepot-audit-${process.pid}`)
// ada:secret, with a cost that costs nothing.
writeFileSync(users, `ada:${await Bun.password.hash('secret', { algorithm: 'bcrypt', cost: 4 })}\n`)
const settings = (pulls: boolean) => ({ auth: { htpasswd: { path: users } }, audit: { pulls } })
const as = (name: string, password: string) => ({ headers: { authorization: `Basic ${btoa(`${name}:${password}`)}` } })
const ada = as('ada', 'secret')

async function events(registry: TestRegistry, filter: AuditFilter, count: number) {
  const { queries } = registry.app().db
  await waitFor('the events', async () => (await listAuditEvents(queries, filter, { limit: 100 })).length >= count)
  return (await listAuditEvents(queries, filter, { limit: 100 })).toReversed()
}

async function push(registry: TestRegistry, tag: string) {
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] }
  const headers = { ...ada.headers, 'content-type': index.mediaType }
  const body = JSON.stringify(index)
  const answer = await registry.expect(201, 'PUT', `/v2/team/app/manifests/${tag}`, { headers, body })
  return answer.headers.get('docker-content-digest') ?? ''
}

describeRegistry('the audit log of a registry', settings(false), (registry) => {
  test('has pushes and deletions, and no pulls', async () => {
    const digest = await push(registry, '1')
    await registry.expect(200, 'GET', '/v2/team/app/manifests/1', ada)
    await registry.expect(202, 'DELETE', '/v2/team/app/manifests/1', ada)
    await registry.expect(202, 'DELETE', `/v2/team/app/manifests/${digest}`, ada)
    const found = await events(registry, { actor: 'ada', action: 'manifest.*' }, 3)
    expect(found.map(({ action, object }) => [action, object])).toEqual([
      ['manifest.push', 'team/app:1'],
      ['manifest.delete', 'team/app:1'],
      ['manifest.delete', `team/app@${digest}`],
    ])
    const [pushed] = found
    expect(pushed).toMatchObject({ repository: 'private', result: 'done', actor_kind: 'user' })
    expect(pushed?.request_id).not.toBe('')
    expect(JSON.parse(pushed?.detail ?? '')).toEqual({ digest })
  })

  test('has logins that failed, with the name that was tried and never the password', async () => {
    await registry.expect(401, 'GET', '/v2/', as('mallory', 'hunter2'))
    const [failed] = await events(registry, { action: 'login', actor: 'mallory' }, 1)
    expect(failed).toMatchObject({ result: 'denied', actor_kind: 'anonymous' })
    expect(JSON.stringify(failed)).not.toContain('hunter2')
  })

  test('has logins that succeeded, once an hour for each user and address', async () => {
    for (let times = 0; times < 3; times++) await registry.expect(200, 'GET', '/v2/', ada)
    await registry.expect(200, 'GET', '/v2/', { ...ada, clientAddress: '192.0.2.9' })
    await registry.expect(200, 'GET', '/v2/_token?service=x', { ...ada, clientAddress: '192.0.2.10' })
    const found = await events(registry, { action: 'login', actor: 'ada', result: 'done' }, 3)
    expect(found.map(({ address }) => address).sort()).toEqual(['127.0.0.1', '192.0.2.10', '192.0.2.9'])
    expect(JSON.parse(found[0]?.detail ?? '')).toEqual({ source: 'htpasswd' })
  })

  test('has nothing of clients that are only asked to log in', async () => {
    await registry.expect(401, 'GET', '/v2/quiet/app/manifests/1')
    await push(registry, 'after')
    const all = await events(registry, { action: 'manifest.push' }, 2)
    expect(all.some(({ object }) => object.startsWith('quiet'))).toBe(false)
    expect(await listAuditEvents(registry.app().db.queries, { action: 'login', actor: '' }, { limit: 1 })).toEqual([])
  })
})

describeRegistry('the audit log of a registry that wants pulls', settings(true), (registry) => {
  test('has them, with the digest that was pulled', async () => {
    const digest = await push(registry, '1')
    await registry.expect(200, 'GET', '/v2/team/app/manifests/1', ada)
    const [pulled] = await events(registry, { action: 'manifest.pull' }, 1)
    expect(pulled).toMatchObject({ actor: 'ada', object: 'team/app:1' })
    expect(JSON.parse(pulled?.detail ?? '')).toEqual({ digest })
  })
})
