import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addNewKey, forgetOldKeys, openSecrets } from './secrets.ts'

const folder = mkdtempSync(join(tmpdir(), 'entrepot-secrets-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const freshFile = () => join(folder, `${++files}`, 'secrets.key')
const [one, two] = ['1'.repeat(64), Buffer.alloc(32, 2).toString('base64')]

describe('secrets', () => {
  test('are read again by whoever has the key, and by nobody else', () => {
    const file = freshFile()
    const envelope = openSecrets({ key: undefined, file }).seal('pässword')
    expect(envelope).toMatch(/^sealed:v1:[0-9a-f]{8}:[\w-]+:[\w-]+$/)
    expect(envelope).not.toContain(Buffer.from('pässword').toString('base64url'))
    expect(openSecrets({ key: undefined, file }).open(envelope)).toBe('pässword')
    const stranger = openSecrets({ key: undefined, file: freshFile() })
    expect(() => stranger.open(envelope)).toThrow(/sealed with key [0-9a-f]{8}, and .* does not exist or is empty/)
    stranger.seal('x')
    expect(() => stranger.open(envelope)).toThrow('has other keys: bring that key back, or set the secret again')
  })

  test('have a key file that is made at the first seal, for its owner alone', () => {
    const file = freshFile()
    const secrets = openSecrets({ key: undefined, file })
    expect(() => statSync(file)).toThrow()
    secrets.seal('x')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).toMatch(/^[0-9a-f]{64}$/m)
  })

  test('are never the same envelope twice', () => {
    const secrets = openSecrets({ key: one, file: freshFile() })
    expect(secrets.seal('x')).not.toBe(secrets.seal('x'))
  })

  test('that were changed by one character are refused', () => {
    const secrets = openSecrets({ key: one, file: freshFile() })
    const envelope = secrets.seal('x')
    const last = envelope.at(-10) === 'A' ? 'B' : 'A'
    expect(() => secrets.open(`${envelope.slice(0, -10)}${last}${envelope.slice(-9)}`)).toThrow('is damaged')
    expect(() => secrets.open(envelope.slice(0, -24))).toThrow('is damaged')
    expect(() => secrets.open('hunter2')).toThrow('is none')
  })

  test('with several keys are sealed with the first and opened with any', () => {
    const before = openSecrets({ key: one, file: freshFile() })
    const after = openSecrets({ key: `${two},${one}`, file: freshFile() })
    const old = before.seal('x')
    expect(after.open(old)).toBe('x')
    expect([after.isCurrent(old), after.isCurrent(after.seal('x'))]).toEqual([false, true])
    expect(() => before.open(after.seal('x'))).toThrow('secrets.key has other keys')
  })

  test('survive the change of the key in the file, also in a process that has read the old one', () => {
    const settings = { key: undefined, file: freshFile() }
    const running = openSecrets(settings)
    const old = running.seal('x')
    addNewKey(settings)
    const fresh = openSecrets(settings)
    expect([fresh.open(old), fresh.isCurrent(old)]).toEqual(['x', false])
    const next = fresh.seal('y')
    forgetOldKeys(settings)
    expect(running.open(next)).toBe('y')
    expect(() => openSecrets(settings).open(old)).toThrow('has other keys')
    expect(statSync(settings.file).mode & 0o777).toBe(0o600)
  })

  test('with a file that holds no key say so', () => {
    const file = join(folder, 'bad.key')
    writeFileSync(file, 'not a key\n')
    expect(() => openSecrets({ key: undefined, file }).seal('x')).toThrow(`${file} holds something that is no key`)
  })
})
