import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import { hashForHtpasswd } from '../../src/identity/passwords.ts'
import type { Client } from '../clients/client.ts'
import { openCrane } from '../clients/crane.ts'
import { openDocker } from '../clients/docker.ts'
import { openSkopeo } from '../clients/skopeo.ts'
import { buildSamples, writeSamples } from '../helpers/images.ts'
import { attempt, temporaryFolder, Unavailable } from '../helpers/process.ts'
import { cleanEnvironment } from '../helpers/registry-process.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { groups, type OpenldapService, people, reader, startOpenldap, whyNoOpenldap } from '../services/openldap.ts'
import { failureOf, testMs } from './client-flow.ts'

const reason = await whyNoOpenldap()
const clients = reason
  ? []
  : [await opened('docker', openDocker), await opened('skopeo', openSkopeo), await opened('crane', openCrane)]
const entrepot = resolve(import.meta.dirname, '../../bin/entrepot')
const folder = temporaryFolder('ldap-login')
const dataDir = join(folder, 'data')

let directory: OpenldapService
let config: Record<string, unknown>
let server: Server

beforeAll(async () => {
  if (reason) return
  directory = await startOpenldap()
  writeFileSync(
    join(folder, 'htpasswd'),
    `ci:${await hashForHtpasswd('ci-secret', 4)}\nbob:${await hashForHtpasswd('other', 4)}\n`,
  )
  writeSamples(join(folder, 'samples'), await buildSamples())
  config = {
    auth: { htpasswd: { realm: 'Registry', path: join(folder, 'htpasswd') } },
    ldap: {
      url: `${directory.tlsUrl}/${people}?uid?sub?(objectclass=posixAccount)`,
      ca: directory.ca,
      ...reader,
      groups: { base: groups },
      admins: 'group registry-admins',
      timeout: '1s',
      connectTimeout: '1s',
    },
  }
  server = await startServer({ config, dataDir, auth: 'admin' })
}, testMs)
afterAll(async () => {
  for (const { client } of clients) await client?.close()
  await server?.stop()
  await directory?.stop()
  rmSync(folder, { recursive: true, force: true })
}, testMs)

/** A client, or why it cannot be had here. */
async function opened(what: string, open: () => Promise<Client>) {
  try {
    return { what, client: await open(), missing: '' }
  } catch (error) {
    if (error instanceof Unavailable) return { what, client: undefined, missing: error.message }
    throw error
  }
}

async function enter(username: string, password: string): Promise<number> {
  const headers = { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
  return (await fetch(`${server.url}/v2/`, { headers, keepalive: false })).status
}

async function ldapTest(words: string[], input?: string, settings: object = config) {
  const file = join(folder, 'test.yml')
  writeFileSync(file, stringify({ ...settings, dataDir }))
  return attempt([entrepot, 'ldap', 'test', ...words, '--config', file], { input, env: cleanEnvironment() })
}

describe.skipIf(reason !== undefined)(`a registry with a directory${reason ? `: ${reason}` : ''}`, () => {
  test('lets in local users, those of the htpasswd file and those of the directory, the first that knows a name deciding', async () => {
    const { username, password } = server.credentials!
    expect(await enter(username, password)).toBe(200)
    expect(await enter('ci', 'ci-secret')).toBe(200)
    expect(await enter('alice', 'alice-secret')).toBe(200)
    expect(await enter('ALICE', 'alice-secret')).toBe(200)
    expect(await enter('bob', 'other')).toBe(200)
    expect(await enter('bob', 'bob-secret')).toBe(401)
    expect(await enter('BOB', 'bob-secret')).toBe(401)
    expect(await enter('carol', 'wrong')).toBe(401)
    expect(await enter('carol', '')).toBe(401)
    expect(await enter('*', 'alice-secret')).toBe(401)
  })

  for (const { what, client, missing } of clients) {
    if (!client) test.skip(`${what}: ${missing}`, () => {})
    else
      test(
        `${client.name} logs in with the company account, pushes and pulls`,
        async () => {
          const [alice, wrong] = ['alice-secret', 'wrong'].map((password) => ({ username: 'alice', password }))
          expect(await failureOf(client.login!(server.host, wrong!))).toMatch(
            /unauthorized|denied|401|incorrect|invalid/i,
          )
          await client.login!(server.host, alice!)
          const image = `${server.host}/ldap/${what}:v1`
          await client.push(join(folder, 'samples/two'), 'two', image)
          const pulled = await client.pull(image)
          expect(pulled.digest ?? pulled.configs).toBeDefined()
        },
        testMs,
      )
  }

  test('counts what the directory answered', async () => {
    const { username, password } = server.credentials!
    const headers = { authorization: `Basic ${btoa(`${username}:${password}`)}` }
    const metrics = await (await fetch(`${server.url}/metrics`, { headers })).text()
    expect(metrics).toMatch(/entrepot_directory_logins_total\{directory="ldap",result="accepted"\} \d/)
    expect(metrics).toMatch(/entrepot_directory_logins_total\{directory="ldap",result="refused"\} \d/)
    expect(metrics).toMatch(/entrepot_directory_logins_total\{directory="ldap",result="unknown"\} \d/)
  })

  test('says that the directory is away, not that the password is wrong, and goes on with everybody else', async () => {
    await directory.halt()
    try {
      const headers = { authorization: `Basic ${btoa('carol:carol-secret')}` }
      const answer = await fetch(`${server.url}/v2/`, { headers })
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toBe('5')
      expect(await answer.json()).toMatchObject({
        errors: [{ code: 'UNAVAILABLE', message: expect.stringContaining('directory') }],
      })
      for (const { client } of clients)
        if (client) {
          const failure = await failureOf(client.login!(server.host, { username: 'carol', password: 'carol-secret' }))
          expect(failure).toMatch(/503|unavailable/i)
          expect(failure).not.toMatch(/unauthorized|incorrect/i)
        }
      expect(await enter('ci', 'ci-secret')).toBe(200)
      expect(await enter(server.credentials!.username, server.credentials!.password)).toBe(200)
      expect(await enter(server.credentials!.username, 'wrong')).toBe(401)
      // Remembered for a minute anyway; what comes after that is for the directory's own tests.
      expect(await enter('alice', 'alice-secret')).toBe(200)
      expect(server.log()).toContain('login refused: the directory cannot be asked')
      expect(server.log()).not.toMatch(/(carol|alice|reader)-secret/)
    } finally {
      await directory.resume()
    }
  })

  test('starts while the directory is away, and lets its admin in', async () => {
    await server.stop()
    await directory.halt()
    try {
      server = await startServer({ config, dataDir, auth: 'admin' })
      expect(await enter(server.credentials!.username, server.credentials!.password)).toBe(200)
      expect(await enter('carol', 'carol-secret')).toBe(503)
    } finally {
      await directory.resume()
    }
  })
})

describe.skipIf(reason !== undefined)('entrepot ldap test', () => {
  test('tells every step of a login, and nothing secret', async () => {
    const { code, stdout, stderr } = await ldapTest(['alice', '--password-stdin'], 'alice-secret\n')
    expect(stderr).toBe('')
    expect(code).toBe(0)
    for (const step of [
      /connected to ldaps:.*certificate of localhost .*issued by Directory test CA, valid until/,
      /logged in as cn=reader,ou=services/,
      /base ou=people,.*scope sub, filter \(&\(objectclass=posixAccount\)\(uid=alice\)\)/,
      /entry: uid=alice,ou=people/,
      /the password is right/,
      /group developers: cn=developers,.*in memberOf of the user/,
      /may log in: valid-user/,
      /is an administrator: group registry-admins/,
      /result: alice may log in, as an administrator/,
      /mail: alice@example.com/,
    ])
      expect(stdout).toMatch(step)
    expect(stdout).not.toContain('-secret')
  })

  test('does all but the password without one', async () => {
    const { code, stdout } = await ldapTest(['carol'])
    expect(code).toBe(0)
    expect(stdout).toContain('the password is not checked')
    expect(stdout).toMatch(/group testers: .*by the search/)
  })

  test('says when somebody else decides about the name', async () => {
    expect((await ldapTest(['bob'])).stdout).toContain('bob is known to auth.htpasswd, which comes first')
    expect((await ldapTest(['admin'])).stdout).toContain('admin is known to the local users, which comes first')
  })

  const ldap = () => config.ldap as Record<string, unknown>
  test.each([
    ['a wrong password', 'alice', () => ({}), 1, /49 \(wrong name or password\)/],
    ['an unknown name', 'mallory', () => ({}), 1, /no directory knows mallory/],
    ['a base that is not there', 'alice', () => ({ userBase: 'ou=nobody,dc=example,dc=com' }), 1, /check the base/],
    ['a refused account', 'alice', () => ({ bindPassword: 'wrong' }), 1, /check bindDn and bindPassword/],
    ['an authority that is unknown', 'alice', () => ({ ca: undefined }), 1, /name the file of the authority/],
    ['a requirement that is not met', 'alice', () => ({ require: 'group ops' }), 1, /require: group ops/],
    ['no directory', 'alice', () => undefined, 2, /no directory is configured/],
    ['a mistake in the configuration', 'alice', () => ({ startTls: true }), 2, /ldap\[0\]\.startTls/],
  ])('says what to change for %s', async (what, user, change, exitCode, message) => {
    const words = what === 'a wrong password' ? ['--password-stdin'] : []
    const changed = change()
    const settings = { ...config, ldap: changed && { ...ldap(), ...changed } }
    const { code, stdout, stderr } = await ldapTest([user, ...words], 'wrong-password', settings)
    expect(`${stdout}${stderr}`).toMatch(message)
    expect(`${stdout}${stderr}`).not.toContain('reader-secret')
    expect(code).toBe(exitCode)
  })
})
