import { Document, isCollection, isMap, isScalar, isSeq } from 'yaml'
import type { Config } from './config.ts'
import { Wrong } from './kinds.ts'
import type { LoadedConfig } from './load.ts'
import { settings } from './settings.ts'
import type { Entry } from './table.ts'

/** The configuration as a YAML file that means the same, except that secrets are `***`; a comment says where each value that is not a default was written. */
export function showConfig({ config, sources }: LoadedConfig): string {
  const document = new Document(shown(settings, valuesOf(config)))
  annotate(document.contents, '', sources)
  return document.toString({ lineWidth: 0 })
}

/** One setting as it is now. */
export interface SettingNow {
  /** `http.addr`, `ldap[0].url`. */
  path: string
  /** As the file would say it; secrets are `***`. */
  value: string | number | boolean
  /** Whether it is what it is when nobody says anything. */
  isDefault: boolean
  meaning: string
}

/** Every setting that has a value. */
export function settingsNow(config: Config): SettingNow[] {
  return rowsOf(settings, valuesOf(config), '')
}

function rowsOf(entry: Entry, value: unknown, path: string): SettingNow[] {
  if (value === undefined || entry.form === 'missing') return []
  if (entry.form === 'setting') {
    const { kind, fallback, meaning } = entry
    const now = kind.show(value)
    const usual = fallback === undefined ? undefined : kind.parse(fallback, process.cwd())
    const isDefault = usual !== undefined && !(usual instanceof Wrong) && kind.show(usual) === now
    return [{ path, value: now, isDefault, meaning }]
  }
  if (entry.form === 'list')
    return (value as unknown[]).flatMap((item, index) => rowsOf(entry.element, item, `${path}[${index}]`))
  return Object.entries(value as Record<string, unknown>).flatMap(([key, item]) => {
    const inner = entry.form === 'mapping' ? entry.element : (entry.fields as Record<string, Entry>)[key]
    return inner ? rowsOf(inner, item, path === '' ? key : `${path}.${key}`) : []
  })
}

/** What the configuration was resolved from, in the form of the table. */
function valuesOf(config: Config): Record<string, unknown> {
  const { default: main, ...blobStores } = config.blobStores
  const auth = config.auth === 'none' ? { none: {} } : config.auth
  return { ...config, auth, blobStores, storage: { ...main, ...config.storage } }
}

/** The value of an entry in the words of the file. */
function shown(entry: Entry, value: unknown): unknown {
  if (value === undefined || entry.form === 'missing') return undefined
  if (entry.form === 'setting') return entry.kind.show(value)
  if (entry.form === 'list') return (value as unknown[]).map((item) => shown(entry.element, item))
  const values = Object.entries(value as Record<string, unknown>)
  if (entry.form === 'mapping')
    return Object.fromEntries(values.map(([key, item]) => [key, shown(entry.element, item)]))
  const fields = Object.entries(entry.fields as Record<string, Entry>)
  const given = value as Record<string, unknown>
  const present = fields.map(([key, field]) => [key, shown(field, given[key])] as const)
  return Object.fromEntries(present.filter(([, item]) => item !== undefined))
}

function annotate(node: unknown, path: string, sources: ReadonlyMap<string, string>): void {
  const source = sources.get(path)
  if (source && isScalar(node)) node.comment = ` from ${source}`
  if (isSeq(node)) for (const [index, item] of node.items.entries()) annotate(item, `${path}[${index}]`, sources)
  if (!isMap(node)) return
  for (const { key, value } of node.items) {
    const below = path === '' ? `${key}` : `${path}.${key}`
    const isEmpty = isCollection(value) && value.items.length === 0
    if (isEmpty && sources.has(below) && isScalar(key)) key.commentBefore = ` from ${sources.get(below)}`
    annotate(value, below, sources)
  }
}
