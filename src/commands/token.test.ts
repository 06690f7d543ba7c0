import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withoutInheritedSettings } from '../../test/helpers/own-environment.ts'
import { openDatabase } from '../database/database.ts'
import { isSecret } from '../identity/tokens/secret.ts'
import type { CommandIo } from './io.ts'
import { createRobot, createRobotToken, listRobots, removeRobot, setRobotDisabled } from './robot.ts'
import { createToken, listTokens, revokeToken } from './token.ts'
import { expiryFrom, limitsFrom } from './token-options.ts'

withoutInheritedSettings()
const folder = mkdtempSync(join(tmpdir(), 'entrepot-token-command-'))
const config = join(folder, 'config.yml')
const htpasswd = join(folder, 'htpasswd')
beforeAll(() => {
  writeFileSync(htpasswd, `ada:$2y$04$${'a'.repeat(53)}\n`, { mode: 0o600 })
  const settings = { version: 0.1, dataDir: folder, auth: { htpasswd: { realm: 'Test', path: htpasswd } } }
  writeFileSync(config, JSON.stringify(settings))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function run(command: (io: CommandIo) => Promise<number>) {
  const said: { out: string[]; err: string[] } = { out: [], err: [] }
  const io: CommandIo = {
    out: { write: (text) => said.out.push(text) },
    err: { write: (text) => said.err.push(text) },
    stdin: (async function* () {})(),
  }
  const code = await command(io)
  return { code, out: said.out.join(''), err: said.err.join('') }
}

describe('token', () => {
  test('create prints the secret alone on standard output, and what it is for beside it', async () => {
    const options = { config, name: 'laptop', repository: ['private'], images: ['team/**'], actions: ['pull,push'] }
    const { code, out, err } = await run((io) => createToken('ada', options, io))
    expect(code).toBe(0)
    expect(isSecret(out.trim())).toBe(true)
    expect(err).toContain('pull, push in private, images team/**; expires ')
    expect(err).not.toContain(out.trim())
  })

  test('create --json prints all there is to know', async () => {
    const { out } = await run((io) => createToken('ada', { config, expires: 'never', json: true }, io))
    expect(JSON.parse(out)).toMatchObject({
      owner: { kind: 'user', name: 'ada' },
      secret: expect.stringMatching(/^ept_/),
    })
  })

  test('create knows nobody who is in neither the database nor the file', async () => {
    const { code, out, err } = await run((io) => createToken('eve', { config }, io))
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain('there is no user "eve"')
  })

  test('list shows what opens something, and revoke makes it stop', async () => {
    const before = JSON.parse((await run((io) => listTokens({ config, json: true }, io))).out) as { id: number }[]
    const id = before[0]!.id
    expect((await run((io) => revokeToken(String(id), { config }, io))).code).toBe(0)
    expect((await run((io) => revokeToken(String(id), { config }, io))).code).toBe(1)
    const after = JSON.parse((await run((io) => listTokens({ config, json: true }, io))).out) as { id: number }[]
    expect(after.map((token) => token.id)).toEqual(before.slice(1).map((token) => token.id))
    expect((await run((io) => listTokens({ config, all: true }, io))).out).toContain('\trevoked\t')
    expect((await run((io) => listTokens({ config, user: 'eve' }, io))).out).toBe('')
  })

  test('revoke wants a number', async () => {
    for (const id of ['', 'x', '-1', '1 or 1'])
      expect((await run((io) => revokeToken(id, { config }, io))).code).toBe(2)
  })
})

describe('robot', () => {
  test('create, token, list, disable, enable and remove do what they say', async () => {
    const limits = { config, repository: ['private'], actions: ['pull'] }
    const made = await run((io) => createRobot('ci', { ...limits, description: 'builds' }, io))
    expect(made.code).toBe(0)
    expect(isSecret(made.out.trim())).toBe(true)
    expect(made.err).toContain('Log in as robot-ci')
    expect(isSecret((await run((io) => createRobotToken('robot-ci', limits, io))).out.trim())).toBe(true)
    expect((await run((io) => listRobots({ config }, io))).out).toBe('robot-ci\tenabled\tbuilds\n')
    await run((io) => setRobotDisabled('ci', true, { config }, io))
    expect((await run((io) => listRobots({ config }, io))).out).toContain('\tdisabled\t')
    await run((io) => setRobotDisabled('ci', false, { config }, io))
    expect((await run((io) => removeRobot('ci', { config }, io))).code).toBe(0)
    expect((await run((io) => removeRobot('ci', { config }, io))).code).toBe(1)
    expect((await run((io) => createRobotToken('ci', limits, io))).code).toBe(1)
    expect((await run((io) => listTokens({ config, user: 'robot-ci', all: true }, io))).out).toBe('')
  })

  test('is not made when its token could not be', async () => {
    for (const options of [
      { config },
      { config, repository: ['private'] },
      { config, actions: ['pull'], expires: 'soon' },
    ])
      expect((await run((io) => createRobot('late', options, io))).code).toBe(2)
    expect((await run((io) => listRobots({ config, json: true }, io))).out).toBe('[]\n')
  })
})

test('changes made at the console are in the audit log', async () => {
  const db = await openDatabase(`sqlite:${join(folder, 'entrepot.db')}`)
  try {
    const rows = await db.queries.selectFrom('audit_events').selectAll().execute()
    const told = rows.map(({ action, actor_kind, object }) => `${actor_kind} ${action} ${object}`)
    expect(told).toContain('console token.create ada, token 1')
    expect(told).toContain('console token.revoke ada, token 1')
    expect(told).toContain('console robot.remove robot-ci')
    expect(JSON.stringify(rows)).not.toContain('ept_')
  } finally {
    await db.close()
  }
})

describe('what a command line says of a token', () => {
  const now = Date.parse('2027-01-01T00:00:00Z')
  test.each([
    ['12h', now + 43_200_000],
    [undefined, now + 90 * 86_400_000],
    ['2027-12-31', Date.parse('2027-12-31')],
    ['never', undefined],
  ])('--expires %p is %p', (text, expected) => {
    expect(expiryFrom(text, now)).toBe(expected)
  })

  test('--expires that says nothing is refused', () => {
    for (const text of ['soon', '90', '', '2027-99-99']) expect(() => expiryFrom(text, now)).toThrow('--expires')
  })

  test('limits are for each repository, or for all', () => {
    expect(limitsFrom({})).toBeUndefined()
    expect(limitsFrom({ actions: ['pull', 'push'] })).toEqual([
      { repository: '*', images: [], actions: ['pull', 'push'] },
    ])
    expect(limitsFrom({ repository: ['a', 'b'], images: ['x/**'], actions: ['pull,push'] })).toEqual([
      { repository: 'a', images: ['x/**'], actions: ['pull', 'push'] },
      { repository: 'b', images: ['x/**'], actions: ['pull', 'push'] },
    ])
    expect(() => limitsFrom({ repository: ['a'] })).toThrow('--actions')
  })
})
