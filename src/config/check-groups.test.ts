import { expect, test } from 'bun:test'
import { loadConfig } from './load.ts'
import { ConfigError } from './problems.ts'

/** The problems of a configuration, as `path reason`. */
function problemsOf(more: object): string[] {
  try {
    loadConfig({ text: JSON.stringify({ version: 0.1, ...more }), file: 'test.yml', env: {}, cwd: '/' })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ path, value, reason }) => [path, value, reason].filter(Boolean).join(' '))
  }
}

const group = (name: string, members: unknown[], writableMember?: string) => ({
  name,
  type: 'group',
  members,
  writableMember,
})

test('a group of what exists is fine, with and without rules', () => {
  const members = ['private', { repository: 'team', images: ['library/**'], exclusive: 'team-*' }]
  expect(problemsOf({ repositories: [{ name: 'team' }, group('all', members, 'private')] })).toEqual([])
})

test('a group in itself is told with the way round', () => {
  const repositories = [group('a', ['b']), group('b', ['private', 'c']), group('c', ['a'])]
  expect(problemsOf({ repositories })).toEqual([
    'repositories[0].members a -> b -> c -> a makes a group a member of itself',
  ])
})

test('members must exist once, and pushes go to a hosted one of them', () => {
  const inner = group('inner', ['private'])
  expect(problemsOf({ repositories: [inner, group('a', ['nope', 'private', 'private'])] })).toEqual([
    'repositories[1].members[0] nope is no repository',
    'repositories[1].members[2] private is a member twice',
  ])
  expect(
    problemsOf({ repositories: [inner, group('a', ['inner'], 'inner'), group('b', ['inner'], 'private')] }),
  ).toEqual([
    'repositories[1].writableMember inner is not hosted: nothing can be pushed to it',
    'repositories[2].writableMember private is no member of this group',
  ])
  expect(problemsOf({ repositories: [{ name: 'h', members: ['private'] }] })).toEqual([
    'repositories[0].members is set although the repository is no group',
  ])
})

test('connectors have one address each, which is nobody else’s', () => {
  const repository = 'private'
  const connectors = [
    { repository, addr: '127.0.0.1:5000' },
    { repository: 'nope', addr: ':8090' },
    { repository, addr: ':8091', host: 'a.example.com' },
    { repository },
    { repository, host: 'b.example.com', plain: true },
  ]
  expect(problemsOf({ connectors })).toEqual([
    'connectors[0].addr is the address of http.addr',
    'connectors[1].repository nope is no repository',
    'connectors[2] has both addr and host',
    'connectors[3] has neither addr nor host',
    'connectors[4] has TLS settings without addr',
  ])
})
