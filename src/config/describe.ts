import { settings } from './settings.ts'
import type { Entry } from './table.ts'

/** One setting for people. */
export interface SettingDescription {
  /** `http.tls.certificate`, `http.headers.<Header-Name>`, `repositories[].name` */
  path: string
  /** The variable without its prefix: `HTTP_TLS_CERTIFICATE`. */
  variable: string
  kind: string
  /** As it would be written in a file; undefined when there is none, or when the meaning tells it. */
  fallback: string | undefined
  required: boolean
  meaning: string
}

/** A key that is known and not acted on. */
export interface MissingDescription {
  path: string
  answer: 'refuse' | 'ignore'
  advice: string
}

/** The sections at the top of the file, each with what stands in it; those that are single values come first, under an empty path. */
export interface GroupDescription {
  path: string
  meaning: string
  settings: SettingDescription[]
}

/** Every setting, in the order of the table. */
export function describeSettings(): SettingDescription[] {
  return walk(settings, '', '').flatMap((found) => ('answer' in found ? [] : [found]))
}

/** Every key that is known and not acted on, in the order of the table. */
export function describeMissing(): MissingDescription[] {
  return walk(settings, '', '').flatMap((found) => ('answer' in found ? [found] : []))
}

/** Every setting, by section at the top of the file. */
export function describeGroups(): GroupDescription[] {
  const all = describeSettings()
  const top = Object.entries(settings.fields as Record<string, Entry>)
  const isSingle = (entry: Entry) => entry.form === 'setting'
  const single = all.filter(({ path }) => !/[.[]/.test(path))
  const sections = top.filter(([, entry]) => !isSingle(entry) && entry.form !== 'missing')
  return [
    { path: '', meaning: 'Single values at the top of the file.', settings: single },
    ...sections.map(([path, entry]) => ({
      path,
      meaning: 'meaning' in entry ? entry.meaning : '',
      settings: all.filter((setting) => setting.path.startsWith(`${path}.`) || setting.path.startsWith(`${path}[`)),
    })),
  ]
}

function walk(entry: Entry, path: string, variable: string): (SettingDescription | MissingDescription)[] {
  if (entry.form === 'missing') return [{ path, answer: entry.answer, advice: entry.advice }]
  if (entry.form === 'setting') {
    const { fallback, required, meaning } = entry
    return [{ path, variable, kind: entry.kind.name, fallback: fallback || undefined, required, meaning }]
  }
  if (entry.form === 'section') {
    const dotted = path === '' ? '' : `${path}.`
    const joined = variable === '' ? '' : `${variable}_`
    const fields = Object.entries(entry.fields as Record<string, Entry>)
    const inside = fields.flatMap(([key, field]) => walk(field, `${dotted}${key}`, `${joined}${key.toUpperCase()}`))
    // A section whose presence says it all is a setting of its own.
    if (fields.length > 0) return inside
    return [{ path, variable, kind: 'section', fallback: undefined, required: false, meaning: entry.meaning }]
  }
  const { element, meaning } = entry
  if (entry.form === 'mapping') {
    const inside = walk(element, `${path}.${entry.keyLabel}`, `${variable}_${entry.keyLabel}`)
    return element.form === 'section' ? inside : inside.map((found) => ({ ...found, meaning, required: false }))
  }
  if (element.form !== 'setting') return walk(element, `${path}[]`, `${variable}_<n>`)
  const fallback = entry.fallback.length > 0 ? `[${entry.fallback.join(', ')}]` : undefined
  return [{ path, variable, kind: `list: ${element.kind.name}`, fallback, required: false, meaning }]
}
