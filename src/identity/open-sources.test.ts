import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { openTestSqlite, type TestDatabase } from '../../test/helpers/databases.ts'
import { loadConfig } from '../config/load.ts'
import { silentLog } from '../telemetry/log.ts'
import { openSources } from './open-sources.ts'

let opened: TestDatabase
let folder: string
beforeEach(async () => {
  opened = await openTestSqlite()
  folder = mkdtempSync(join(tmpdir(), 'entrepot-sources-'))
  writeFileSync(join(folder, 'htpasswd'), 'ada:{SHA}EfatjsUqKYSrqv18O1FlA3hcIHI=\n')
})
afterEach(async () => {
  await opened.close()
  rmSync(folder, { recursive: true })
})

const htpasswd = { auth: { htpasswd: { realm: 'Ours', path: 'htpasswd' } } }
const ldap = [{ url: 'ldaps://dir.example.com/dc=a' }, { name: 'partners', url: 'ldaps://dir.example.org/dc=b' }]

async function open(settings: object) {
  const { config } = loadConfig({ text: stringify({ ...settings, dataDir: folder }), env: {}, cwd: folder })
  const { sources, realm, firstAdmin } = await openSources({ config, db: opened.db, log: silentLog, now: Date.now })
  for (const source of sources) await source.close()
  return { sources: sources.map(({ name }) => name), realm, firstAdmin: firstAdmin?.name }
}

describe('users are looked for', () => {
  test.each([
    ['among the local ones, the first of which is made', {}, ['local'], 'Entrepot', 'admin'],
    ['in an htpasswd file alone, as registry:2 does', htpasswd, ['htpasswd'], 'Ours', undefined],
    ['in directories after the local ones', { ldap }, ['local', 'ldap', 'partners'], 'Entrepot', 'admin'],
    ['everywhere, in a fixed order', { ...htpasswd, ldap }, ['local', 'htpasswd', 'ldap', 'partners'], 'Ours', 'admin'],
  ])('%s', async (_where, settings, sources, realm, firstAdmin) => {
    expect(await open(settings)).toEqual({ sources, realm, firstAdmin })
    expect(existsSync(join(folder, 'admin.password'))).toBe(firstAdmin !== undefined)
  })

  test('in no directory whose authority is no certificate', async () => {
    await expect(open({ ldap: { ...ldap[0], ca: 'htpasswd' } })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('holds no certificate'),
    })
  })
})
