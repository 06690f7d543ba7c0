import type { Entry, Fields, Mapping, Section } from './table.ts'
import type { Written } from './yaml.ts'

/** What JSON can say. */
export type Json = string | number | boolean | null | Json[] | JsonObject
export interface JsonObject {
  [key: string]: Json
}

/** The value of an entry in the words of the file, secrets included, without what is a default: what `readEntry` makes the same value of. */
export function toForm(entry: Entry, value: unknown): Json | undefined {
  if (value === undefined || entry.form === 'missing') return undefined
  if (entry.form === 'setting') {
    const { kind, fallback } = entry
    if (fallback !== undefined && kind.parse(fallback, '/') === value) return undefined
    // A text is shown without its secrets; here they are wanted.
    return typeof value === 'string' ? value : kind.show(value)
  }
  if (entry.form === 'list') {
    const items = (value as unknown[]).flatMap((item) => toForm(entry.element, item) ?? [])
    return items.length > 0 ? items : undefined
  }
  const values = Object.entries(value as Record<string, unknown>).map(([key, item]) => {
    const inner = entryBelow(entry, key)
    return [key, inner && toForm(inner, item)] as const
  })
  const form = Object.fromEntries(values.filter(([, item]) => item !== undefined)) as JsonObject
  return Object.keys(form).length > 0 || (entry.form === 'section' && entry.optional) ? form : undefined
}

/** JSON as something to read. `source` says in messages where it came from. */
export function fromForm(form: Json, source: string): Written {
  if (Array.isArray(form)) return { form: 'list', items: form.map((item) => fromForm(item, source)), source }
  if (typeof form === 'object' && form !== null) {
    const entries = Object.entries(form).map(([key, item]) => [key, fromForm(item, source)] as const)
    return { form: 'map', entries: new Map(entries), source }
  }
  return { form: 'scalar', text: form === null ? '' : String(form), plain: false, source }
}

/** One text of a form whose kind may hold a secret. */
export interface SecretText {
  text: string
  /** `upstream.password` */
  path: string
  /** Whether it holds one, when it is no envelope: an address without a password has nothing to hide. */
  hasSecret: boolean
  /** With nothing secret in it. */
  masked: string
}

/** The form with something else in place of each text whose kind may hold a secret: a password, a URL. */
export function mapSecrets(entry: Entry, form: Json, change: (found: SecretText) => string, path = ''): Json {
  if (entry.form === 'missing' || form === null) return form
  if (entry.form === 'setting') {
    const { mask } = entry.kind
    if (typeof form !== 'string' || mask(sample) === sample) return form
    return change({ text: form, path, hasSecret: mask(form) !== form, masked: mask(form) })
  }
  if (entry.form === 'list') {
    if (!Array.isArray(form)) return form
    return form.map((item, index) => mapSecrets(entry.element, item, change, `${path}[${index}]`))
  }
  if (!isObject(form)) return form
  const entries = Object.entries(form).map(([key, item]) => {
    const inner = entryBelow(entry, key)
    return [key, inner ? mapSecrets(inner, item, change, path === '' ? key : `${path}.${key}`) : item] as const
  })
  return Object.fromEntries(entries)
}

/** Every kind that hides anything hides something in this. */
const sample = 'http://user:password@host'

function entryBelow(entry: Section<Fields, boolean> | Mapping<Entry>, key: string): Entry | undefined {
  if (entry.form === 'mapping') return entry.element
  return Object.hasOwn(entry.fields, key) ? entry.fields[key] : undefined
}

/** `changes` laid over a form: what is null goes back to its default, lists are replaced whole (RFC 7396). */
export function mergeForm(form: JsonObject, changes: JsonObject): JsonObject {
  const merged: JsonObject = { ...form }
  for (const [key, change] of Object.entries(changes)) {
    const before = merged[key]
    if (change === null) delete merged[key]
    else if (isObject(change)) merged[key] = mergeForm(isObject(before) ? before : {}, change)
    else merged[key] = change
  }
  return merged
}

export function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
