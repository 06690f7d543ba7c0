import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createRandom } from '../helpers/names.ts'
import { describeRegistry, digestOf, types } from '../helpers/registry.ts'

const methods = ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']
const pieces = [
  'v1',
  'v2',
  'v2',
  'v2',
  'a',
  'b',
  'team',
  'private',
  'blobs',
  'manifests',
  'uploads',
  'tags',
  'list',
  'referrers',
  '_catalog',
  'search',
  'latest',
  digestOf('x'),
  digestOf('x', 'sha512'),
  'sha256:x',
  '..',
  '.',
  '',
  '%',
  '%00',
  '%2e%2e',
  '%2F',
  '%5C',
  '%FF',
  '%C0%AF',
  'ä',
  '\u0000',
  'A',
  'x'.repeat(300),
  '00000000-0000-4000-8000-000000000000',
  '__proto__',
  'constructor',
  '\\',
  ';',
  '%25252F',
  "'",
  '*',
  '😀',
]
const queries = [
  'n=1',
  'n=-1',
  'n=99999999999999999999',
  'n=',
  'last=a',
  'last=%00',
  'last=%FF',
  `digest=${digestOf('x')}`,
  'digest=',
  'digest=sha512:x',
  'mount=x',
  `mount=${digestOf('x')}`,
  'from=a',
  'from=..',
  'from=%00',
  'digest-algorithm=sha512',
  'digest-algorithm=__proto__',
  'tag=a',
  'tag=%2F',
  'tag=',
  'artifactType=a',
  'artifactType=%00',
  'q=%25',
  'q=%00',
  'ns=docker.io',
  '&&&',
  '=',
  '%',
  '__proto__=1',
]
const headerValues: Record<string, string[]> = {
  'content-range': ['0-0', '0-', 'bytes 0-9/*', '9-0', 'x', '99999999999999999999-99999999999999999999'],
  'content-length': ['0', '-1', 'x', '1', '99999999999999999999'],
  range: ['bytes=0-0', 'bytes=0-0,0-0', 'bytes=-1', 'bytes=x', `bytes=${'0-0,'.repeat(2000)}`],
  'if-none-match': ['*', '"', 'W/', digestOf('x')],
  'if-range': ['"x"', 'W/""'],
  'content-type': [types.manifest, types.index, '', ';', 'a/b', 'application/json', '\u00ff'],
  authorization: ['Basic', 'Basic eDp5', 'Bearer x', ''],
  'user-agent': ['docker/1.3', 'x'.repeat(5000), ''],
  accept: ['*/*', ',,,', ''],
}
const bodies = [
  '',
  'x',
  '{}',
  '[]',
  'null',
  '{"mediaType":"a"}',
  `{"schemaVersion":2,"mediaType":"${types.index}","manifests":[]}`,
  '{"config":{}}',
  '\u0000',
]

describeRegistry('whatever comes in', { repositories: [{ name: 'private' }, { name: 'team' }] }, (registry) => {
  const rejections: unknown[] = []
  const note = (reason: unknown) => rejections.push(reason)
  beforeAll(() => {
    process.on('unhandledRejection', note)
  })
  afterAll(() => {
    process.off('unhandledRejection', note)
  })

  for (const seed of [1, 2, 3, 4]) {
    test(`is answered with less than 500 (seed ${seed})`, async () => {
      const random = createRandom(seed)
      const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T
      const some = <T>(list: readonly T[], most: number): T[] =>
        Array.from({ length: random(most + 1) }, () => pick(list))
      for (let i = 0; i < 750; i++) {
        const path =
          random(3) === 0
            ? some(pieces, 8).join('/')
            : [
                'v2',
                ...some(pieces, 3),
                pick(['blobs', 'manifests', 'tags', 'referrers', 'blobs/uploads']),
                pick(pieces),
              ].join('/')
        const query = some(queries, 3).join('&')
        const headers = Object.fromEntries(
          some(Object.keys(headerValues), 3).map((name) => [name, pick(headerValues[name]!)]),
        )
        // What holds for every answer is checked with every request.
        await registry.request(pick(methods), `/${path}${query && `?${query}`}`, {
          headers,
          body: random(2) ? pick(bodies) : undefined,
        })
      }
      await new Promise((resolve) => setImmediate(resolve))
      expect(rejections).toEqual([])
    })
  }
})
