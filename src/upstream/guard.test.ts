import { describe, expect, test } from 'bun:test'
import { guardWith } from '../../test/helpers/upstream.ts'
import { createGuard, type GuardSettings } from './guard.ts'

const names = {
  'good.test': ['192.0.2.7'],
  'inside.test': ['10.1.2.3'],
  'evil.test': ['192.0.2.7', '169.254.169.254'],
  'sixevil.test': ['fe80::1%eth0'],
}

const refusals: [url: string, settings?: GuardSettings][] = [
  ['http://169.254.169.254/latest'],
  ['http://169.254.1.1'],
  ['http://2852039166/'],
  ['http://0xa9.254.169.254/'],
  ['http://[fe80::1]/'],
  ['http://[::ffff:169.254.169.254]/'],
  ['http://[64:ff9b::a9fe:a9fe]/'],
  ['http://[2002:a9fe:a9fe::1]/'],
  ['http://[::a9fe:a9fe]/'],
  ['http://[fd00:ec2::254]/'],
  ['http://100.100.100.200/'],
  ['http://0.0.0.0:5000/'],
  ['http://[::]/'],
  ['http://224.0.0.1/'],
  ['http://metadata.google.internal/'],
  ['http://METADATA.google.internal./'],
  ['http://evil.test/'],
  ['http://sixevil.test/'],
  ['file:///etc/passwd'],
  ['ftp://good.test/'],
  ['http://inside.test/', { allowPrivate: false }],
  ['http://127.0.0.1/', { allowPrivate: false }],
  ['http://[::1]/', { allowPrivate: false }],
  ['http://[fd12::1]/', { allowPrivate: false }],
  ['http://169.254.2.1/', { allow: ['169.254.1.0/24'] }],
]
const allowances: [url: string, settings?: GuardSettings][] = [
  ['http://good.test/'],
  ['http://inside.test/'],
  ['http://127.0.0.2:5000/'],
  ['http://[::1]:5000/'],
  ['http://10.0.0.1/'],
  ['http://169.254.1.7/', { allow: ['169.254.1.0/24'] }],
  ['http://127.0.0.1/', { allowPrivate: false, allow: ['127.0.0.1'] }],
  ['http://inside.test/', { allowPrivate: false, allow: ['inside.test'] }],
  ['http://evil.test/', { allow: ['Evil.test'] }],
]

describe('guard', () => {
  for (const [url, settings] of refusals) {
    test(`refuses ${url} with ${JSON.stringify(settings ?? {})}`, async () => {
      await expect(guardWith(names, settings).check(new URL(url))).rejects.toMatchObject({ code: 'policy-refused' })
    })
  }
  for (const [url, settings] of allowances) {
    test(`lets ${url} pass with ${JSON.stringify(settings ?? {})}`, async () => {
      await guardWith(names, settings).check(new URL(url))
    })
  }

  test('gives back the addresses it has checked, and nothing for a literal one', async () => {
    expect(await guardWith(names).check(new URL('http://good.test/'))).toEqual(['192.0.2.7'])
    expect(await guardWith(names).check(new URL('http://192.0.2.7/'))).toBeUndefined()
  })

  test('leaves names to an outbound proxy, but no metadata name and no literal address', async () => {
    const guard = guardWith({})
    const viaProxy = true
    expect(await guard.check(new URL('https://unknown.test/'), { viaProxy })).toBeUndefined()
    await expect(guard.check(new URL('http://169.254.169.254/'), { viaProxy })).rejects.toMatchObject({
      code: 'policy-refused',
    })
    await expect(guard.check(new URL('http://metadata.google.internal/'), { viaProxy })).rejects.toMatchObject({
      code: 'policy-refused',
    })
  })

  test('asks the system by default', async () => {
    expect(await createGuard().check(new URL('http://localhost/'))).toContain('127.0.0.1')
  })

  test('says which range it cannot read', () => {
    expect(() => createGuard({ allow: ['10.0.0.0/99'] })).toThrow('10.0.0.0/99')
  })
})
