import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeGroups, describeMissing, describeSettings } from './describe.ts'
import { configurationPage, settingsHelp } from './help.ts'
import { type Kind, Wrong } from './kinds.ts'
import { loadConfig } from './load.ts'
import { settings } from './settings.ts'
import type { Entry } from './table.ts'

/** Every path in the table, found without the code that describes it. */
function leaves(entry: Entry, path: string): string[] {
  if (entry.form === 'section') {
    const fields = Object.entries(entry.fields as Record<string, Entry>)
    return fields.length === 0 ? [path] : fields.flatMap(([key, field]) => leaves(field, path ? `${path}.${key}` : key))
  }
  if (entry.form === 'mapping') return leaves(entry.element, `${path}.${entry.keyLabel}`)
  if (entry.form === 'list' && entry.element.form !== 'setting') return leaves(entry.element, `${path}[]`)
  return [path]
}

/** Every default in the table, with its kind. */
function defaults(entry: Entry): [Kind<unknown>, string][] {
  if (entry.form === 'section') return Object.values(entry.fields as Record<string, Entry>).flatMap(defaults)
  if (entry.form === 'mapping') return defaults(entry.element)
  if (entry.form === 'setting') return entry.fallback === undefined ? [] : [[entry.kind, entry.fallback]]
  if (entry.form === 'missing') return []
  const { element } = entry
  return element.form === 'setting' ? entry.fallback.map((text) => [element.kind, text]) : defaults(element)
}

describe('the documentation of settings', () => {
  const page = readFileSync(join(import.meta.dir, '../../docs/configuration.md'), 'utf8')

  test('docs/configuration.md is up to date (bin/with-bun deploy/write-configuration-page.ts writes it)', () => {
    expect(page).toBe(configurationPage())
  })

  test('every setting and every known key is on the page', () => {
    const paths = leaves(settings, '')
    expect(paths.length).toBeGreaterThan(50)
    for (const path of paths) expect(page).toContain(`\`${path}\``)
    expect([...describeSettings(), ...describeMissing()].map(({ path }) => path).sort()).toEqual(paths.sort())
  })

  test('every setting stands in one group, and in the help of serve', () => {
    const grouped = describeGroups().flatMap((group) => group.settings.map(({ path }) => path))
    expect(grouped.sort()).toEqual(
      describeSettings()
        .map(({ path }) => path)
        .sort(),
    )
    for (const { path } of describeSettings()) expect(settingsHelp()).toContain(`  ${path}`)
  })

  test('every setting has a meaning in one sentence or more, every known key an advice', () => {
    for (const { path, meaning } of describeSettings()) expect(`${path}: ${meaning}`).toMatch(/: [A-Z`].*\.$/)
    for (const { path, advice } of describeMissing()) expect(`${path}: ${advice}`).toMatch(/: \S+ \S+/)
  })

  test('the documented variables are the ones that are read', () => {
    for (const { path, variable } of describeSettings()) {
      if (path === 'version') continue
      const name = `ENTREPOT_${variable.replaceAll('<n>', '0').replaceAll(/<[^>]+>/g, 'x')}`
      const attempt = () => loadConfig({ env: { [name]: '[[]]' }, cwd: '/', formerData: '/nowhere' })
      expect(`${name} ${messageOf(attempt)}`).not.toContain(`${name} is no setting`)
    }
  })

  test('every default is a good value', () => {
    const wrong = defaults(settings).filter(([kind, text]) => kind.parse(text, '/') instanceof Wrong)
    expect(wrong.map(([kind, text]) => `${kind.name}: ${text}`)).toEqual([])
    expect(defaults(settings).length).toBeGreaterThan(30)
  })

  test('the example on the page has no unknown keys', () => {
    const text = /```yaml\n(.*?)```/s.exec(page)?.[1] ?? ''
    expect(messageOf(() => loadConfig({ text, env: {}, cwd: '/' }))).not.toMatch(/is no setting|is not/)
  })
})

function messageOf(attempt: () => unknown): string {
  try {
    attempt()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
