import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { loadConfig } from '../config/load.ts'
import { insertUser } from '../database/users.ts'
import type { KnownPrincipal } from '../identity/principal.ts'
import { createLog } from '../telemetry/log.ts'
import { usersMayAll } from './declared.ts'
import type { GrantTerms } from './grant.ts'
import { addGrant, declareGrants, forgetSubject, grantsVersion, readGrants, removeGrants } from './grant-store.ts'
import { openAccess } from './open-access.ts'

const configOf = (value: object) => loadConfig({ text: JSON.stringify(value), env: {}, cwd: tmpdir() }).config
const bob: KnownPrincipal = { kind: 'user', name: 'bob', admin: false, groups: ['devs'] }
const x = { repository: 'private', image: 'x' }
const terms = (name: string, role = 'reader', images: string[] = []): GrantTerms => ({
  subject: { kind: 'user', name },
  role,
  repository: 'private',
  images,
})

describeOnEachDatabase('grants', (open) => {
  let opened: TestDatabase
  const closing: { close(): Promise<void> }[] = []
  beforeEach(async () => {
    opened = await open()
  })
  afterEach(async () => {
    for (const one of closing.splice(0)) await one.close()
    await opened.close()
  })

  async function start(value: object = {}, db = opened.db) {
    const log = createLog({ stream: { write() {} } })
    const access = await openAccess({
      config: configOf(value),
      db,
      log,
      now: () => 1,
      writableMember: () => undefined,
      pollMs: 10,
    })
    closing.push(access)
    return access
  }

  test('are kept once, and say whether they are new', async () => {
    expect(await addGrant(opened.db, terms('bob', 'reader', ['b', 'a']), 1)).toBe(true)
    expect(await addGrant(opened.db, terms('bob', 'reader', ['a', 'b']), 2)).toBe(false)
    expect(await readGrants(opened.db.queries)).toMatchObject([
      { ...terms('bob', 'reader', ['a', 'b']), managedBy: 'database' },
    ])
  })

  test('of the file are made those that the file has now, and no others are touched', async () => {
    await addGrant(opened.db, terms('bob'), 1)
    await declareGrants(opened.db, [terms('bob'), terms('ann'), terms('ann')], 1)
    const before = await readGrants(opened.db.queries)
    const version = await grantsVersion(opened.db.queries)
    await declareGrants(opened.db, [terms('ann'), terms('bob')], 2)
    expect(await readGrants(opened.db.queries)).toEqual(before)
    expect(await grantsVersion(opened.db.queries)).toBe(version)
    await declareGrants(opened.db, [terms('ann', 'developer')], 3)
    const found = (await readGrants(opened.db.queries)).map((one) => [one.subject.name, one.role, one.managedBy])
    expect(found).toEqual([
      ['bob', 'reader', 'database'],
      ['ann', 'developer', 'file'],
    ])
    expect(await grantsVersion(opened.db.queries)).not.toBe(version)
  })

  test('of the file are not removed by hand', async () => {
    await declareGrants(opened.db, [terms('bob')], 1)
    await addGrant(opened.db, terms('bob', 'developer'), 1)
    expect((await removeGrants(opened.db, () => true)).map(({ role }) => role)).toEqual(['developer'])
    expect(await readGrants(opened.db.queries)).toHaveLength(1)
  })

  test('go with the user they were for, and not with one of a name that begins the same', async () => {
    for (const name of ['bob', 'bobby']) await addGrant(opened.db, terms(name), 1)
    await opened.db.transaction((tx) => forgetSubject(tx, { kind: 'user', name: 'bob' }))
    expect((await readGrants(opened.db.queries)).map(({ subject }) => subject.name)).toEqual(['bobby'])
  })

  test('of two who add some at once are both seen by a third', async () => {
    const access = await start()
    const second = await opened.again()
    await Promise.all([addGrant(opened.db, terms('bob'), 1), addGrant(second, terms('ann'), 1)])
    await until(() => access.decide(bob, 'pull', x) && access.decide({ ...bob, name: 'ann' }, 'pull', x))
  })

  test('that another instance changes hold here soon after', async () => {
    const [here, there] = [await start(), await start({}, await opened.again())]
    expect(here.decide(bob, 'pull', x)).toBe(false)
    await addGrant(opened.db, terms('bob'), 1)
    await here.refresh()
    expect(here.decide(bob, 'pull', x)).toBe(true)
    await until(() => there.decide(bob, 'pull', x))
    await removeGrants(opened.db, () => true)
    await until(() => !there.decide(bob, 'pull', x))
  })

  test('of the configuration are all that counts', async () => {
    const access = await start({
      roles: [{ name: 'cleaner', actions: ['delete'] }],
      grants: [{ group: 'devs', role: 'cleaner', repository: 'private' }],
      users: [{ name: 'bob', password: 'x', grants: [{ role: 'reader', repository: 'private', images: ['x'] }] }],
      anonymous: { pull: ['private'] },
    })
    const may = (action: 'pull' | 'push' | 'delete') => access.decide(bob, action, x)
    expect([may('pull'), may('push'), may('delete')]).toEqual([true, false, true])
    expect(access.decide({ kind: 'anonymous' }, 'pull', x)).toBe(true)
    expect(await readGrants(opened.db.queries)).toHaveLength(3)
  })

  test('that were read last go on to hold when the database fails', async () => {
    await addGrant(opened.db, terms('bob'), 1)
    const second = await opened.again()
    const errors: string[] = []
    const log = createLog({ level: 'error', stream: { write: (line) => errors.push(line) } })
    const access = await openAccess({
      config: configOf({}),
      db: second,
      log,
      now: () => 1,
      writableMember: () => undefined,
      pollMs: 5,
    })
    closing.push(access)
    await second.close()
    await until(() => errors.length > 0)
    expect(errors.join()).toContain('grants cannot be read')
    expect(access.decide(bob, 'pull', x)).toBe(true)
  })

  test('are nothing that a user table alone makes', async () => {
    await insertUser(opened.db, { name: 'bob', password_hash: 'x', admin: 0, created_at: 1 })
    expect(await readGrants(opened.db.queries)).toEqual([])
  })
})

describe('users of an htpasswd file', () => {
  const htpasswd = { auth: { htpasswd: { path: join(tmpdir(), 'no-such-htpasswd') } } }
  const grant = { role: 'reader', repository: 'private' }

  test('may do everything until the file grants something to somebody', () => {
    expect(usersMayAll(configOf(htpasswd))).toBe(true)
    expect(usersMayAll(configOf({ ...htpasswd, anonymous: { pull: ['private'] } }))).toBe(true)
    expect(usersMayAll(configOf({ ...htpasswd, grants: [{ user: 'a', ...grant }] }))).toBe(false)
    const users = [{ name: 'a', password: 'x', grants: [grant] }]
    expect(usersMayAll(configOf({ ...htpasswd, users }))).toBe(false)
    expect(usersMayAll({ ...configOf(htpasswd), ldap: [{ grants: [{ group: 'a', ...grant, images: [] }] }] })).toBe(
      false,
    )
  })

  test('are not meant where there is no such file', () => {
    expect(usersMayAll(configOf({}))).toBe(false)
  })
})

/** Waits for what comes by itself, without saying when. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await Bun.sleep(2)
}
