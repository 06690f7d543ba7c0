import { describe, expect, test } from 'bun:test'
import { clients, imageName, pullLine } from './address.ts'
import { isDigest, shortDigest } from './digest.ts'
import { formatSize } from './size.ts'
import { instructionOf, stepsOf } from './steps.ts'
import { formatAgo } from './time.ts'

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 kB'],
  [1_450, '1.5 kB'],
  [999_949, '1 MB'],
  [999_999, '1 MB'],
  [123_456_789, '123 MB'],
  [4_200_000_000, '4.2 GB'],
  [9e18, '9,000 PB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatSize(bytes).replace('\u00a0', ' ')).toBe(text)
})

describe('a time', () => {
  const now = new Date('2026-11-22T12:00:00Z')
  test.each([
    ['2026-11-22T11:59:40Z', 'now', '现在'],
    ['2026-11-22T11:55:00Z', '5 minutes ago', '5分钟前'],
    ['2026-11-22T09:00:00Z', '3 hours ago', '3小时前'],
    ['2026-11-21T09:00:00Z', 'yesterday', '昨天'],
    ['2026-11-10T12:00:00Z', '12 days ago', '12天前'],
    ['2026-02-03T12:00:00Z', 'Feb 3, 2026', '2026年2月3日'],
  ])('%s is %s', (at, english, chinese) => {
    expect(formatAgo(new Date(at), now)).toBe(english)
    expect(formatAgo(new Date(at), now, 'zh-Hans')).toBe(chinese)
  })
})

describe('the name of an image', () => {
  const repositories = [
    { name: 'private', default: true },
    { name: 'hub', default: false },
  ]
  const name = (repository: string, image: string) => imageName('example.com', { repository, image }, repositories)

  test('is without the repository where that is the default', () => {
    expect(name('private', 'team/app')).toBe('example.com/team/app')
    expect(name('hub', 'library/busybox')).toBe('example.com/hub/library/busybox')
  })

  test('has it where the first segment would mean another repository', () => {
    expect(name('private', 'hub/app')).toBe('example.com/private/hub/app')
    expect(name('private', 'hub')).toBe('example.com/hub')
  })
})

test('the lines that pull are right for plain HTTP and for TLS', () => {
  const lines = (isPlain: boolean) =>
    clients.map((client) => pullLine(client, 'h/a:1', { host: 'example.com', isPlain }))
  expect(lines(false)).toEqual([
    'docker pull h/a:1',
    'podman pull h/a:1',
    'nerdctl pull h/a:1',
    'ctr images pull h/a:1',
    'image: h/a:1',
  ])
  expect(lines(true)).toEqual([
    'docker pull h/a:1',
    'podman pull --tls-verify=false h/a:1',
    'nerdctl --insecure-registry pull h/a:1',
    'ctr images pull --plain-http h/a:1',
    'image: h/a:1',
  ])
})

test('a digest is known by its colon and shown by its beginning', () => {
  expect(shortDigest(`sha256:${'ab'.repeat(32)}`)).toBe('sha256:abababababab')
  expect([isDigest('sha256:ab'), isDigest('v1.0')]).toEqual([true, false])
})

describe('the steps of an image', () => {
  const layer = (digest: string) => ({ digest, mediaType: '', size: 1, annotations: {} })
  const entry = (by: string, empty: boolean) => ({ by, comment: '', empty })

  test('have the layers in order, empty ones none', () => {
    const steps = stepsOf([layer('a'), layer('b')], [entry('ADD', false), entry('ENV', true), entry('COPY', false)])
    expect(steps.map(({ by, layer: of }) => [by, of?.digest])).toEqual([
      ['ADD', 'a'],
      ['ENV', undefined],
      ['COPY', 'b'],
    ])
  })

  test('show layers of which nothing is told', () => {
    expect(stepsOf([layer('a')], []).map(({ by, layer: of }) => [by, of?.digest])).toEqual([['', 'a']])
  })

  test.each([
    ['/bin/sh -c #(nop)  CMD ["sh"]', 'CMD ["sh"]'],
    ['/bin/sh -c apt-get update', 'RUN apt-get update'],
    ['RUN /bin/sh -c make   all # buildkit', 'RUN make all'],
    ['|1 VERSION=1 /bin/sh -c make', 'RUN make'],
    ['RUN |1 VERSION=1 /bin/sh -c make # buildkit', 'RUN make'],
    ['COPY a b # buildkit', 'COPY a b'],
  ])('%s reads %s', (written, read) => {
    expect(instructionOf(written)).toBe(read)
  })
})
