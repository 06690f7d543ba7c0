import { expect, test } from 'bun:test'
import { membersOf } from './members.ts'
import type { GroupMember, Repository } from './repositories.ts'

const common = { store: 'default', writePolicy: 'allow' } as const
const upstream = { url: 'https://registry.example.com', tagAgeMs: 0, absenceAgeMs: 0 }

/** Names of the members that are asked for the image, of the group `all` among these repositories. */
function asked(groups: Record<string, (string | (Partial<GroupMember> & { repository: string }))[]>, image = 'app') {
  const repositories = new Map<string, Repository>()
  for (const name of ['hosted', 'other']) repositories.set(name, { ...common, id: 0, name, type: 'hosted' })
  for (const name of ['far', 'farther']) repositories.set(name, { ...common, id: 0, name, type: 'proxy', upstream })
  for (const [name, members] of Object.entries(groups)) {
    const whole = members.map((member) => ({
      images: [],
      exclusive: [],
      ...(typeof member === 'string' ? { repository: member } : member),
    }))
    repositories.set(name, { ...common, id: 0, name, type: 'group', members: whole, writableMember: undefined })
  }
  const members = membersOf(repositories.get('all')!, { named: (name) => repositories.get(name) })
  return members.filter(({ isAskedFor }) => isAskedFor(image)).map(({ repository }) => repository.name)
}

test('hosted members come first, however deep they are', () => {
  expect(asked({ all: ['far', 'inner', 'other'], inner: ['farther', 'hosted'] })).toEqual([
    'hosted',
    'other',
    'far',
    'farther',
  ])
})

test('groups that are in each other come to an end, and each member is there once', () => {
  expect(asked({ all: ['far', 'inner'], inner: ['all', 'hosted', 'far', 'inner'] })).toEqual(['hosted', 'far'])
})

test('a member that is not there is left out', () => {
  expect(asked({ all: ['gone', 'hosted'] })).toEqual(['hosted'])
})

test('patterns of every group on the way count, and one open way is enough', () => {
  const ruled = {
    all: [{ repository: 'inner', images: ['team/**'] }],
    inner: [{ repository: 'far', images: ['*/app'] }],
  }
  expect(asked(ruled, 'team/app')).toEqual(['far'])
  expect(asked(ruled, 'team/tool')).toEqual([])
  expect(asked(ruled, 'x/app')).toEqual([])
  expect(asked({ ...ruled, all: [...ruled.all, 'far'] }, 'x/app')).toEqual(['far'])
})

test('what is exclusive to a group is so to all in it, and what several claim all of them are asked for', () => {
  const exclusive = { all: ['hosted', { repository: 'inner', exclusive: ['team/**'] }], inner: ['other', 'far'] }
  expect(asked(exclusive, 'team/app')).toEqual(['other', 'far'])
  expect(asked(exclusive, 'app')).toEqual(['hosted', 'other', 'far'])
  const both = { all: ['far', ...['hosted', 'other'].map((repository) => ({ repository, exclusive: ['team/**'] }))] }
  expect(asked(both, 'team/app')).toEqual(['hosted', 'other'])
})
