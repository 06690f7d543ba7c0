import { describe, expect, test } from 'bun:test'
import { createNetworks } from './networks.ts'

describe('networks', () => {
  const isListed = createNetworks(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '2001:db8::1'], 'network')

  for (const address of ['10.1.2.3', '192.0.2.7', '::ffff:10.1.2.3', '::ffff:0a01:0203', 'fd12::1', 'fd12::1%eth0'])
    test(`hold ${address}`, () => expect(isListed(address)).toBe(true))

  for (const address of [
    '11.0.0.1',
    '192.0.2.8',
    '::ffff:11.0.0.1',
    '::a01:203',
    'fe80::1',
    '2001:db8::2',
    '',
    'unix',
    '10.1',
  ])
    test(`do not hold ${JSON.stringify(address)}`, () => expect(isListed(address)).toBe(false))

  test('answer the same when asked again', () => {
    expect([isListed('10.9.9.9'), isListed('10.9.9.9'), isListed('9.9.9.9'), isListed('9.9.9.9')]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  for (const wrong of ['10.0.0.0/33', '10.0.0', 'fd00::/129', 'hub.example.com', '10.0.0.0/8/8', ''])
    test(`are not made of ${JSON.stringify(wrong)}`, () => {
      expect(() => createNetworks([wrong], 'network')).toThrow(/neither an address nor a network/)
    })
})
