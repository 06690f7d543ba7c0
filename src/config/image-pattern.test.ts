import { describe, expect, test } from 'bun:test'
import { imageMatcher, prefixOfPattern } from './image-pattern.ts'

describe('a pattern of images', () => {
  for (const [patterns, matched, others] of [
    ['', ['a', 'a/b'], []],
    ['a', ['a'], ['ab', 'a/b', 'b/a', '']],
    ['team-*/**', ['team-a/x', 'team-/x', 'team-a/x/y'], ['team-a', 'team/x', 'xteam-a/x']],
    ['library/**', ['library/x', 'library/x/y'], ['library', 'libraryx/y', 'a/library/x']],
    ['**', ['a', 'a/b/c'], []],
    ['*', ['a'], ['a/b']],
    ['**/app', ['a/app', 'a/b/app'], ['app', 'a/app/x', 'a/myapp/y']],
    ['**/*-x/y', ['a/b-x/y', 'q/a/b-x-x/y'], ['b-x/y', 'a/bx/y', 'a/b-x/z/y']],
    ['a.b', ['a.b'], ['axb']],
    ['a*b*c', ['abc', 'aXbYbc'], ['a/bc', 'ab', 'abcd']],
    ['**a*b/**', ['xab/', 'p/q/acb/z'], ['a/b/']],
    ['** !secret/**', ['open', 'secret'], ['secret/x']],
    ['!secret/**', ['open', 'secrets/x'], ['secret/x']],
    ['a/* b', ['a/x', 'b'], ['a', 'b/x']],
  ] as const) {
    test(`${patterns || 'none'} matches ${matched.join(', ')}${others.length > 0 ? ` and not ${others.join(', ')}` : ''}`, () => {
      const matches = imageMatcher(patterns.split(' ').filter((pattern) => pattern !== ''))
      expect(matched.filter((image) => !matches(image))).toEqual([])
      expect(others.filter(matches)).toEqual([])
    })
  }

  test('means the same as the regular expression with its stars spelt out', () => {
    const letters = ['a', 'b', '/', '*', '**']
    let seed = 7
    const next = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return Math.floor((seed / 2 ** 31) * below)
    }
    const word = (length: number, kinds: number) => Array.from({ length }, () => letters[next(kinds)]).join('')
    for (let round = 0; round < 20_000; round++) {
      const pattern = word(next(7), 5)
      if (pattern.includes('***') || pattern === '') continue
      const image = word(next(9), 3)
      const meaning = pattern.split(/(\*\*|\*)/).map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part))
      const expected = new RegExp(`^${meaning.join('')}$`).test(image)
      expect([pattern, image, imageMatcher([pattern])(image)]).toEqual([pattern, image, expected])
    }
  })

  test('with a hundred stars is answered at once', () => {
    const image = 'a'.repeat(255)
    expect(imageMatcher([`${'a*'.repeat(120)}b`])(image)).toBe(false)
    expect(imageMatcher([`${'**a*'.repeat(60)}b`])(image)).toBe(false)
  })

  test('tells what all that it matches begins with', () => {
    expect(['team-*/**', 'a/b', '**/x'].map(prefixOfPattern)).toEqual(['team-', 'a/b', ''])
  })
})
