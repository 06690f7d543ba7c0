import { describe, expect, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { apr1 } from './apr1.ts'
import { hashForHtpasswd, hashPassword, kindOfHash, randomPassword, verifyPassword } from './passwords.ts'

const hasHtpasswd = spawnSync('htpasswd', ['-nbs', 'a', 'b']).status === 0

/** What Apache's own program writes for a password. */
function htpasswd(flags: readonly string[], password: string): string {
  const { stdout } = spawnSync('htpasswd', ['-n', '-i', ...flags, 'user'], { input: password, encoding: 'utf8' })
  return stdout.trim().slice('user:'.length)
}

describe('verifyPassword', () => {
  const stored: [string, string, string][] = [
    ['bcrypt', 'secret', '$2y$05$pUE3/dbVCdlGIu./L6e4DOrAAlM3VzjkrgfQRWm678/qIDrUNMOcq'],
    ['apr1', 'x', '$apr1$rHH5mZ.f$25ZAPpvI29.6qljo1jVSd0'],
    ['sha1', 'x', '{SHA}EfatjsUqKYSrqv18O1FlA3hcIHI='],
  ]
  test.each(stored)('knows the kind of a stored %s hash', (kind, _password, hash) => {
    expect(kindOfHash(hash)).toBe(kind as never)
  })

  test('accepts the right password for apr1 and {SHA} and no other', async () => {
    for (const [, , hash] of stored.slice(1)) {
      expect(await verifyPassword('x', hash)).toBe(true)
      expect(await verifyPassword('y', hash)).toBe(false)
      expect(await verifyPassword('', hash)).toBe(false)
    }
  })

  test('accepts what hashPassword and hashForHtpasswd make', async () => {
    const argon = await hashPassword('пароль')
    const bcrypt = await hashForHtpasswd('пароль', 4)
    expect([kindOfHash(argon), kindOfHash(bcrypt)]).toEqual(['argon2id', 'bcrypt'])
    expect(bcrypt).toStartWith('$2y$04$')
    for (const hash of [argon, bcrypt, bcrypt.replace('$2y$', '$2a$'), bcrypt.replace('$2y$', '$2b$')]) {
      expect(await verifyPassword('пароль', hash)).toBe(true)
      expect(await verifyPassword('Пароль', hash)).toBe(false)
    }
  })

  test.each([
    '',
    'secret',
    '*',
    '$2y$05$short',
    '$2x$05$pUE3/dbVCdlGIu./L6e4DOrAAlM3VzjkrgfQRWm678/qIDrUNMOcq',
    '$2y$31$pUE3/dbVCdlGIu./L6e4DOrAAlM3VzjkrgfQRWm678/qIDrUNMOcq',
    '$6$salt$hash',
    '$apr1$salt$short',
    '{SHA}short',
    '$argon2id$v=19$m=65536',
  ])('opens for nobody when the hash is %p', async (hash) => {
    expect(await verifyPassword('secret', hash)).toBe(false)
    expect(await verifyPassword(hash, hash)).toBe(false)
  })

  test('leaves the event loop free while twenty costly hashes are verified', async () => {
    const hash = await hashForHtpasswd('secret', 10)
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    for (let i = 0; i < 20; i++) {
      const before = ticks
      await verifyPassword('secret', hash)
      // On the loop, no timer could fire between the call and its answer.
      expect(ticks).toBeGreaterThan(before)
    }
    clearInterval(timer)
  }, 30_000)
})

describe.skipIf(!hasHtpasswd)('together with htpasswd', () => {
  const passwords = [
    'x',
    'secret',
    'пароль 密码',
    'p'.repeat(15),
    'p'.repeat(16),
    'p'.repeat(17),
    'p'.repeat(72),
    'with:colon $1 \\ "q"',
  ]

  test.each([{ flags: ['-B', '-C', '4'] }, { flags: ['-m'] }, { flags: ['-s'] }])(
    'what it writes with $flags opens for the same password alone',
    async ({ flags }) => {
      for (const password of passwords) {
        const hash = htpasswd(flags, password)
        expect([password, await verifyPassword(password, hash)]).toEqual([password, true])
        expect([password, await verifyPassword(`!${password}`, hash)]).toEqual([password, false])
      }
    },
  )

  test('it means the first 72 bytes of a longer bcrypt password, and so do we', async () => {
    const hash = htpasswd(['-B', '-C', '4'], 'p'.repeat(100))
    expect(await verifyPassword('p'.repeat(100), hash)).toBe(true)
    expect(await verifyPassword('p'.repeat(72), hash)).toBe(true)
    expect(await verifyPassword('p'.repeat(71), hash)).toBe(false)
  })

  test('it accepts what we write', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'entrepot-passwords-'))
    const file = join(folder, 'htpasswd')
    const lines = await Promise.all(
      passwords.map(async (password, i) => `user${i}:${await hashForHtpasswd(password, 4)}`),
    )
    writeFileSync(file, `${lines.join('\n')}\n`)
    const verdicts = passwords.map(
      (password, i) => spawnSync('htpasswd', ['-vi', file, `user${i}`], { input: password }).status,
    )
    const wrong = spawnSync('htpasswd', ['-vi', file, 'user0'], { input: 'wrong' }).status
    rmSync(folder, { recursive: true })
    expect(verdicts).toEqual(passwords.map(() => 0))
    expect(wrong).toBe(3)
  })
})

test('apr1 has the value that openssl gives', () => {
  expect(apr1(Buffer.from('password'), 'xxxxxxxx')).toBe('$apr1$xxxxxxxx$dxHfLAsjHkDRmG83UXe8K0')
})

test('hashForHtpasswd refuses what bcrypt would cut off', async () => {
  await hashForHtpasswd('p'.repeat(72), 4)
  await expect(hashForHtpasswd('é'.repeat(37), 4)).rejects.toThrow(expect.objectContaining({ code: 'request-invalid' }))
})

test('random passwords are long, differ, and have no look-alikes', () => {
  const made = Array.from({ length: 200 }, randomPassword)
  expect(new Set(made).size).toBe(200)
  for (const password of made) expect(password).toMatch(/^[^0O1lIio\W_]{24}$/)
})
