import { describe, expect, test } from 'bun:test'
import { formatScopes, parseScopes, scopesCover } from './scope.ts'

const parse = (...texts: string[]) => formatScopes(parseScopes(texts))

describe('scopes', () => {
  test.each([
    [['repository:app:pull'], 'repository:app:pull'],
    [['repository:team/app:pull,push'], 'repository:team/app:pull,push'],
    [['repository:a:pull repository:b:push'], 'repository:a:pull repository:b:push'],
    [['repository:a:pull', 'repository:b:push'], 'repository:a:pull repository:b:push'],
    [['repository:a:pull repository:a:pull,push'], 'repository:a:pull,push'],
    [['repository(plugin):team/plugin:pull'], 'repository:team/plugin:pull'],
    [['repository:localhost:5000/team/app:pull'], 'repository:localhost:5000/team/app:pull'],
    [['registry:catalog:*'], 'registry:catalog:*'],
    [['repository:a:*'], 'repository:a:*'],
    [['repository:a:'], 'repository:a:'],
    [['repository:a:pull,,pull'], 'repository:a:pull'],
    [['unknown:thing:do,more'], 'unknown:thing:do,more'],
    [['  repository:a:pull   '], 'repository:a:pull'],
  ])('%j are read', (texts, expected) => {
    expect(parse(...texts)).toBe(expected)
  })

  test.each([
    ['repository'],
    ['repository:a'],
    [':a:pull'],
    ['Repository:a:pull'],
    ['repository(:a:pull'],
    ['repository::pull'],
    [''],
  ])('%j is left out, as a token for less is no error', (text) => {
    expect(parse(text, 'repository:b:pull')).toBe('repository:b:pull')
  })

  test('one that is longer than any name is left out', () => {
    expect(parse(`repository:${'a'.repeat(2000)}:pull`)).toBe('')
  })

  test('more than a client could mean are refused', () => {
    const many = Array.from({ length: 101 }, (_, index) => `repository:a${index}:pull`)
    expect(() => parseScopes([many.join(' ')])).toThrow('101 scopes are too many')
    expect(parseScopes(many.slice(1))).toHaveLength(100)
  })

  test('names of inherited properties are names like any other', () => {
    expect(parse('repository:__proto__:pull', 'repository:constructor:push')).toBe(
      'repository:__proto__:pull repository:constructor:push',
    )
  })
})

describe('what a token covers', () => {
  const scopes = parseScopes(['repository:team/a:pull,push repository:all:* registry:catalog:*'])
  test.each([
    ['repository', 'team/a', 'pull', true],
    ['repository', 'team/a', 'push', true],
    ['repository', 'team/a', 'delete', false],
    ['repository', 'team/ab', 'pull', false],
    ['repository', 'team', 'pull', false],
    ['repository', 'team/a/b', 'pull', false],
    ['repository', 'all', 'delete', true],
    ['repository', 'catalog', '*', false],
    ['registry', 'catalog', '*', true],
    ['registry', 'team/a', 'pull', false],
  ])('%s %s %s: %p', (type, name, action, expected) => {
    expect(scopesCover(scopes, { type, name, actions: [action] })).toBe(expected)
  })
})
