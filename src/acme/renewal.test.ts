import { describe, expect, test } from 'bun:test'
import type { KeptCertificate } from './kept.ts'
import { whyDue } from './renewal.ts'

const day = 86_400_000
const good: KeptCertificate = { hosts: ['a.example.com'], from: 0, until: 90 * day, isPlaceholder: false }

describe('a certificate is due', () => {
  const cases: [string, KeptCertificate | undefined, string[], number, boolean][] = [
    ['when there is none', undefined, ['a.example.com'], 0, true],
    ['when it is of our own making', { ...good, isPlaceholder: true }, ['a.example.com'], 0, true],
    ['when a host is not in it', good, ['a.example.com', 'b.example.com'], 0, true],
    ['when it has expired', good, ['a.example.com'], 91 * day, true],
    ['when less than a third of its life is left', good, ['a.example.com'], 61 * day, true],
    ['and not before', good, ['a.example.com'], 59 * day, false],
    [
      'and not for a host that is no longer wanted',
      { ...good, hosts: ['a.example.com', 'old.example.com'] },
      ['a.example.com'],
      0,
      false,
    ],
  ]
  test.each(cases)('%s', (_name, certificate, hosts, now, isDue) => {
    expect(whyDue(certificate, hosts, now) !== undefined).toBe(isDue)
  })
})
