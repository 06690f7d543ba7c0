import { describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { en, type TextKey } from './en.ts'
import { fillIn } from './fill-in.ts'
import { zh } from './zh.ts'

const source = resolve(import.meta.dir, '..')
const code = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file) && !/\.test\.|i18n\/(en|zh)\.ts$/.test(file))
  .map((file) => readFileSync(join(source, file), 'utf8'))
  .join('\n')
const keys = Object.keys(en) as TextKey[]

/** Keys that are put together where they are used: `type.${type}`. */
const composed = [...code.matchAll(/\bt\(`([^`]+)`/g)].map(
  ([, text = '']) => new RegExp(`^${text.replaceAll('.', '\\.').replace(/\$\{[^}]+\}/g, '\\w+')}$`),
)

describe('the texts of the page', () => {
  test('are the same in both languages, and none is empty', () => {
    expect(Object.keys(zh).sort()).toEqual([...keys].sort())
    expect(keys.filter((key) => zh[key].trim() === '' || en[key].trim() === '')).toEqual([])
  })

  test.each(keys)('have the same places to fill in: %s', (key) => {
    const places = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort()
    for (const form of en[key].split('|')) expect(places(form)).toEqual(places(zh[key]))
  })

  test('are all used', () => {
    const unused = keys.filter((key) => !code.includes(`'${key}'`) && !composed.some((pattern) => pattern.test(key)))
    expect(unused).toEqual([])
  })

  test('are really translated', () => {
    const names = new Set(['en', 'zh'])
    expect(keys.filter((key) => !/\p{Script=Han}/u.test(zh[key]) && !names.has(key))).toEqual([])
  })

  test('stand nowhere in the code: every word a component shows comes from here', () => {
    const shown = [...code.matchAll(/>\s*([A-Z][a-z]+ [^<>{}=;]*)</g)].map((match) => match[1])
    expect(shown).toEqual([])
  })
})

describe('filling in', () => {
  test('takes the form that the number wants', () => {
    expect(fillIn('{count} tag|{count} tags', { count: 1 })).toBe('1 tag')
    expect(fillIn('{count} tag|{count} tags', { count: 0 })).toBe('0 tags')
    expect(fillIn('{count} tag|{count} tags', { count: 1200 })).toBe('1,200 tags')
    expect(fillIn('{count} 个标签', { count: 1200 }, 'zh-Hans')).toBe('1,200 个标签')
  })

  test('leaves alone what nobody filled in', () => {
    expect(fillIn('for {name} and {other}', { name: 'ada' })).toBe('for ada and {other}')
  })
})
