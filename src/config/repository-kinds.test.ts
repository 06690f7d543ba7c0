import { expect, test } from 'bun:test'
import { Wrong } from './kinds.ts'
import { authorities, isPem, sealingKeys, tagPattern } from './repository-kinds.ts'

test('a pattern of tags has the characters of tags, and stars', () => {
  for (const good of ['latest', '*-dev', 'v1.*', '*']) expect(tagPattern.parse(good, '/')).toBe(good)
  for (const bad of ['-dev', 'a/b', 'a b', '']) expect(tagPattern.parse(bad, '/')).toBeInstanceOf(Wrong)
})

test('authorities are a file or the text of one', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'
  expect(authorities.parse(pem, '/etc')).toBe(pem)
  expect(authorities.parse('ca.pem', '/etc')).toBe('/etc/ca.pem')
  expect([isPem(pem), isPem('/etc/ca.pem')]).toEqual([true, false])
})

test('a sealing key has 32 bytes, in either spelling, and is never shown', () => {
  const [hex, base64] = ['a'.repeat(64), Buffer.alloc(32, 7).toString('base64')]
  for (const good of [hex, base64, `${hex}, ${base64}`]) expect(sealingKeys.parse(good, '/')).toBe(good)
  for (const bad of ['short', hex.slice(2), `${hex},`]) expect(sealingKeys.parse(bad, '/')).toBeInstanceOf(Wrong)
  expect([sealingKeys.show(hex), sealingKeys.mask(hex)]).toEqual(['***', '***'])
})
