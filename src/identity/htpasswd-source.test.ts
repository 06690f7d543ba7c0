import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLog } from '../telemetry/log.ts'
import { createAuthenticator } from './authenticator.ts'
import { type HtpasswdSource, openHtpasswdSource } from './htpasswd-source.ts'
import { hashForHtpasswd } from './passwords.ts'

let folder: string
let path: string
let time: number
let logged: string[]
const opened: HtpasswdSource[] = []

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'entrepot-htpasswd-'))
  path = join(folder, 'htpasswd')
  time = 0
  logged = []
})

afterEach(async () => {
  await Promise.all(opened.splice(0).map((source) => source.close()))
  fs.rmSync(folder, { recursive: true })
})

async function open(): Promise<HtpasswdSource> {
  const note = (message: string) => void logged.push(message)
  const source = await openHtpasswdSource({ path, log: { ...silentLog, info: note, warn: note }, now: () => time })
  opened.push(source)
  return source
}

async function write(users: Record<string, string>): Promise<void> {
  const lines = await Promise.all(
    Object.entries(users).map(async ([name, password]) => `${name}:${await hashForHtpasswd(password, 4)}\n`),
  )
  fs.writeFileSync(`${path}.new`, lines.join(''))
  fs.renameSync(`${path}.new`, path)
}

describe('openHtpasswdSource', () => {
  test('knows the users of the file, and none of them as admin', async () => {
    await write({ alice: 'secret' })
    const source = await open()
    expect(await source.verify('alice', 'secret')).toMatchObject({ name: 'alice', admin: false })
    expect(await source.verify('alice', 'guess')).toBe('wrong')
    expect(await source.verify('Alice', 'secret')).toBe('unknown')
    expect(source.created).toBeUndefined()
  })

  test('makes a file with the user docker where there is none, and says the password once', async () => {
    path = join(folder, 'auth', 'htpasswd')
    const source = await open()
    const { username, password } = source.created!
    expect(username).toBe('docker')
    expect(await source.verify('docker', password)).toMatchObject({ name: 'docker', admin: false })
    expect(fs.statSync(path).mode & 0o777).toBe(0o600)
    expect(fs.readFileSync(path, 'utf8')).not.toContain(password)
    expect(logged.join()).not.toContain(password)
    expect((await open()).created).toBeUndefined()
  })

  test('keeps a refused line from passing the name on to another source', async () => {
    fs.writeFileSync(path, 'alice:secret\n')
    const source = await open()
    expect(await source.verify('alice', 'secret')).toBe('wrong')
    expect(logged).toEqual([expect.stringContaining('user "alice" cannot enter')])
  })

  test('says at start that the file cannot be read', async () => {
    fs.mkdirSync(path)
    await expect(open()).rejects.toThrow(expect.objectContaining({ code: 'unavailable' }))
  })
})

describe('following the file', () => {
  test('takes up a change a second later by the clock', async () => {
    await write({ alice: 'secret' })
    const source = await open()
    const before = source.generation()
    await write({ bob: 'secret' })
    time += 1001
    expect(source.generation()).toBeGreaterThan(before)
    expect(await source.verify('alice', 'secret')).toBe('unknown')
    expect(await source.verify('bob', 'secret')).toMatchObject({ name: 'bob', admin: false })
  })

  test('hears of a change without the clock moving, also of a file put in its place', async () => {
    await write({ alice: 'secret' })
    const source = await open()
    for (const name of ['bob', 'carol']) {
      const before = source.generation()
      await write({ [name]: 'secret' })
      for (let i = 0; i < 200 && source.generation() === before; i++) await sleep(10)
      expect(await source.verify(name, 'secret')).toMatchObject({ name, admin: false })
    }
  })

  test('ends a login that is remembered when the user is removed', async () => {
    await write({ alice: 'secret', bob: 'secret' })
    const authenticator = createAuthenticator({ sources: [await open()], realm: 'Registry', now: () => time })
    const header = `Basic ${btoa('alice:secret')}`
    const principal = await authenticator.authenticate(header, { clientAddress: '192.0.2.1' })
    expect(authenticator.authenticate(header, { clientAddress: '192.0.2.1' })).toBe(principal)
    await write({ bob: 'secret' })
    time += 1001
    await expect(Promise.resolve(authenticator.authenticate(header, { clientAddress: '192.0.2.1' }))).rejects.toThrow(
      'wrong',
    )
  })

  test('sees a change that leaves the size and the time of modification alike', async () => {
    const when = new Date()
    await write({ alice: 'one' })
    fs.utimesSync(path, when, when)
    const source = await open()
    const changed = `alice:${await hashForHtpasswd('two', 4)}\n`
    fs.writeFileSync(path, changed)
    fs.utimesSync(path, when, when)
    time += 1001
    expect(await source.verify('alice', 'two')).toMatchObject({ name: 'alice', admin: false })
  })

  test('keeps the generation when only the times change', async () => {
    await write({ alice: 'secret' })
    const source = await open()
    const before = source.generation()
    fs.utimesSync(path, new Date(0), new Date(0))
    time += 1001
    expect(source.generation()).toBe(before)
  })

  test('keeps the users while the file is gone or unreadable, says so once, and goes on when it is back', async () => {
    await write({ alice: 'secret' })
    const source = await open()
    fs.rmSync(path)
    for (let i = 0; i < 3; i++) {
      time += 1001
      expect(await source.verify('alice', 'secret')).toMatchObject({ name: 'alice', admin: false })
    }
    fs.mkdirSync(path)
    time += 1001
    expect(await source.verify('alice', 'secret')).toMatchObject({ name: 'alice', admin: false })
    expect(logged).toEqual([expect.stringContaining('the users read last stay')])
    fs.rmdirSync(path)
    await write({ bob: 'secret' })
    time += 1001
    expect(await source.verify('bob', 'secret')).toMatchObject({ name: 'bob', admin: false })
    expect(await source.verify('alice', 'secret')).toBe('unknown')
  })

  test('warns of a line once, however often the file is read', async () => {
    fs.writeFileSync(path, 'alice:{SHA}EfatjsUqKYSrqv18O1FlA3hcIHI=\n')
    await open()
    fs.appendFileSync(path, '# more\n')
    time += 1001
    opened[0]?.generation()
    expect(logged.filter((message) => message.includes('{SHA}')).length).toBe(1)
  })
})
