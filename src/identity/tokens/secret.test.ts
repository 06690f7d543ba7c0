import { expect, test } from 'bun:test'
import { createSecret, hashSecret, isSecret } from './secret.ts'

test('a secret is told by its form', () => {
  const secret = createSecret()
  expect(secret).toMatch(/^ept_[0-9A-Za-z]{46}$/)
  expect(isSecret(secret)).toBe(true)
})

test('a secret with any letter changed, missing or added is none', () => {
  const secret = createSecret()
  for (let at = 0; at < secret.length; at++) {
    const other = secret[at] === 'x' ? 'y' : 'x'
    expect(isSecret(secret.slice(0, at) + other + secret.slice(at + 1))).toBe(false)
    expect(isSecret(secret.slice(0, at) + secret.slice(at + 1))).toBe(false)
  }
  for (const text of [`${secret}a`, ` ${secret}`, `${secret}\n`, '', 'password']) expect(isSecret(text)).toBe(false)
})

test('no two secrets are alike, nor are their hashes', () => {
  const secrets = Array.from({ length: 1000 }, createSecret)
  expect(new Set(secrets).size).toBe(1000)
  expect(new Set(secrets.map(hashSecret)).size).toBe(1000)
})
