import { describe, expect, test } from 'bun:test'
import { type Challenge, parseChallenges } from './challenge.ts'

const bearer = (parameters: Record<string, string>): Challenge => ({ scheme: 'bearer', parameters })
const basic = (parameters: Record<string, string>): Challenge => ({ scheme: 'basic', parameters })

describe('challenges', () => {
  const table: [what: string, header: string | null, wanted: Challenge[]][] = [
    ['no header', null, []],
    ['an empty header', '', []],
    [
      'what Docker Hub sends',
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull"',
      [
        bearer({
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:library/alpine:pull',
        }),
      ],
    ],
    [
      'commas inside quotes',
      'Bearer scope="repository:a:pull,push", realm="r"',
      [bearer({ scope: 'repository:a:pull,push', realm: 'r' })],
    ],
    ['escaped quotes', 'Basic realm="say \\"hi\\" \\\\ now"', [basic({ realm: 'say "hi" \\ now' })]],
    ['any case', 'BEARER Realm="r", SERVICE=s', [bearer({ realm: 'r', service: 's' })]],
    ['two headers, joined', 'Bearer realm="r", Basic realm="b"', [bearer({ realm: 'r' }), basic({ realm: 'b' })]],
    ['spaces around the equals sign', 'Bearer realm = "r" , service ="s"', [bearer({ realm: 'r', service: 's' })]],
    ['a scheme alone', 'Negotiate, Basic realm="b"', [{ scheme: 'negotiate', parameters: {} }, basic({ realm: 'b' })]],
    ['a bare token', 'NTLM TlRMTVNT==, Basic realm="b"', [{ scheme: 'ntlm', parameters: {} }, basic({ realm: 'b' })]],
    ['a quote that never ends', 'Bearer realm="r', [bearer({})]],
    ['a parameter twice', 'Bearer realm="one",realm="two"', [bearer({ realm: 'one' })]],
    ['a parameter before any scheme', 'realm="r", Basic realm="b"', [basic({ realm: 'b' })]],
  ]
  for (const [what, header, wanted] of table) {
    test(`reads ${what}`, () => {
      const found = parseChallenges(header)
      // Leftovers of what cannot be read may look like schemes of their own; nobody knows those.
      const known = found.filter(({ scheme }) => ['bearer', 'basic', 'negotiate', 'ntlm'].includes(scheme))
      expect(known).toEqual(wanted)
    })
  }
})
