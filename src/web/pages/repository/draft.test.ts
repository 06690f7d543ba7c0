import { describe, expect, test } from 'bun:test'
import { changesOf, draftOf, emptyDraft, moved, settingsOf } from './draft.ts'

describe('the form of a repository', () => {
  test('asks for a hosted one with only what was filled in', () => {
    expect(settingsOf({ ...emptyDraft, name: ' team ', quotaTags: '10' })).toEqual({
      name: 'team',
      type: 'hosted',
      blobStore: 'default',
      writePolicy: 'allow',
      quota: { tags: 10 },
    })
  })

  test('leaves the password of an upstream alone unless a new one is written, and takes it away with the user', () => {
    const settings = { name: 'hub', type: 'proxy', upstream: { url: 'https://one', username: 'ada', password: '***' } }
    const draft = draftOf(settings)
    expect(draft.password).toBe('')
    expect(changesOf(draft)['upstream']).not.toContainKey('password')
    expect(changesOf({ ...draft, password: 'new' })['upstream']).toMatchObject({ password: 'new' })
    expect(changesOf({ ...draft, username: '' })['upstream']).toMatchObject({ username: null, password: null })
  })

  test('gives back the defaults where a field was emptied', () => {
    const draft = draftOf({ name: 'a', quota: { bytes: '10GB' }, description: 'mine', mutableTags: ['latest'] })
    expect(changesOf({ ...draft, quotaBytes: '', description: '' })).toEqual({
      description: null,
      writePolicy: 'allow',
      mutableTags: null,
      quota: null,
    })
  })

  test('keeps members of a group in order, with their patterns', () => {
    const members = ['private', { repository: 'hub', images: ['library/*', '!library/old'] }]
    const draft = draftOf({ name: 'all', type: 'group', members, writableMember: 'private' })
    expect(changesOf({ ...draft, members: moved(draft.members, 0, 1) })).toEqual({
      description: null,
      members: [{ repository: 'hub', images: ['library/*', '!library/old'] }, { repository: 'private' }],
      writableMember: 'private',
    })
    expect(moved(['a', 'b'], 0, -1)).toEqual(['a', 'b'])
  })
})
