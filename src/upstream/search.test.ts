import { afterEach, expect, test } from 'bun:test'
import { type RudeUpstream, respond, startRudeUpstream } from '../../test/helpers/rude-upstream.ts'
import { upstreamAt } from '../../test/helpers/upstream.ts'
import { createOutbound } from './outbound.ts'
import { searchBase } from './search.ts'

const hub = 'https://index.docker.io/'
const table: [index: string, upstream: string, base: string | undefined][] = [
  ['auto', 'https://registry-1.docker.io', hub],
  ['auto', 'https://quay.io', 'upstream'],
  ['upstream', 'https://registry-1.docker.io', 'upstream'],
  ['hub', 'https://quay.io', hub],
  ['none', 'https://registry-1.docker.io', undefined],
  ['https://index.example.com/v1/', 'https://quay.io', 'https://index.example.com/'],
  ['https://example.com/below/', 'https://quay.io', 'https://example.com/below'],
  ['https://quay.io/', 'https://quay.io', 'upstream'],
  ['http://quay.io/', 'https://quay.io', 'http://quay.io/'],
  ['https://quay.io:8443/', 'https://quay.io', 'https://quay.io:8443/'],
]
for (const [index, upstream, base] of table)
  test(`index ${index} of ${upstream} is ${base ?? 'nowhere'}`, () => {
    const found = searchBase(index, new URL(upstream))
    expect(found instanceof URL ? found.href : found).toBe(base!)
  })

let server: RudeUpstream | undefined
afterEach(() => server?.close())

test('an index is reached through the outbound proxy, and none is asked without one', async () => {
  server = await startRudeUpstream((socket) => respond(socket, 200, {}, '{"results":[{"name":"nginx"}]}'))
  const outbound = createOutbound({ proxy: server.url })
  const far = upstreamAt('http://127.0.0.1:1', { index: 'http://index.example.com' }, { outbound })
  expect((await far.search('nginx', 25)).map(({ name }) => name)).toEqual(['nginx'])
  expect(server.requests.map(({ path, headers }) => [path, headers['host']])).toEqual([
    ['http://index.example.com/v1/search?q=nginx&n=25', 'index.example.com'],
  ])
  expect(await upstreamAt('http://127.0.0.1:1', { index: 'none' }, { outbound }).search('nginx', 25)).toEqual([])
  expect(server.requests).toHaveLength(1)
})
