import { Wrong } from './kinds.ts'
import { nearest, type Problem, type Warning } from './problems.ts'
import type { Entry, Fields, List, Mapping, Missing, Section, Setting } from './table.ts'
import type { Written, WrittenMap } from './yaml.ts'

/** What reading leaves behind beside the values. */
export interface Reading {
  readonly cwd: string
  readonly problems: Problem[]
  readonly warnings: Warning[]
  /** Where each value that is not a default was written, by path: `http.addr`, `repositories[0].name`. */
  readonly sources: Map<string, string>
}

/** Where an entry stands: its path, and the source of the nearest thing written around it. */
interface Place {
  path: string
  around: string
}

/**
 * The value of an entry from what was written for it (`undefined`: nothing), with defaults filled in. Every problem and warning goes to
 * `reading`; a value that could not be read is `undefined`, so the result fits its type only when there are no problems.
 */
export function readEntry(entry: Entry, written: Written | undefined, place: Place, reading: Reading): unknown {
  if (entry.form === 'setting') return readSetting(entry, written, place, reading)
  if (entry.form === 'section') return readSection(entry, written, place, reading)
  if (entry.form === 'list') return readList(entry, written, place, reading)
  if (entry.form === 'mapping') return readMapping(entry, written, place, reading)
  return undefined
}

/** An empty value counts as not given, as in registry:2. */
function isBlank(written: Written | undefined): written is undefined {
  return written === undefined || (written.form === 'scalar' && written.text === '')
}

function readSetting(entry: Setting<unknown>, written: Written | undefined, place: Place, reading: Reading): unknown {
  const { path } = place
  if (isBlank(written)) {
    if (entry.fallback !== undefined) return entry.kind.parse(entry.fallback, reading.cwd)
    if (!entry.required) return undefined
    const source = (written as Written | undefined)?.source ?? place.around
    reading.problems.push({ path, source, value: undefined, reason: 'is missing', fix: `give it a ${entry.kind.name}` })
    return undefined
  }
  if (written.form !== 'scalar')
    return misshapen(written, 'a single value', `write one ${entry.kind.name}`, place, reading)
  const { text, source } = written
  const value = text.includes('\0')
    ? new Wrong('has a zero byte in it', 'leave it out')
    : entry.kind.parse(text, reading.cwd)
  if (!(value instanceof Wrong)) {
    reading.sources.set(path, source)
    return value
  }
  reading.problems.push({ path, source, value: entry.kind.mask(text), reason: value.reason, fix: value.fix })
  return undefined
}

function readSection(
  entry: Section<Fields, boolean>,
  written: Written | undefined,
  place: Place,
  reading: Reading,
): unknown {
  if (written === undefined && entry.optional) return undefined
  const { fields } = entry
  const known = Object.keys(fields).filter((key) => fields[key]?.form !== 'missing')
  const map = asMap(entry, written, place)
  if (!map) {
    const fix = known.length > 0 ? `write its keys below it: ${known.join(', ')}` : 'write {}'
    misshapen(written!, 'a section', fix, place, reading)
    // Defaults in its place, so that the checks across sections find what they expect; their own trouble is of no interest.
    return readSection(entry, undefined, place, { ...reading, problems: [] })
  }
  if (Object.keys(fields).length === 0 && written) reading.sources.set(place.path, map.source)
  for (const [key, value] of map.entries) {
    const path = below(place.path, key)
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined
    if (field === undefined) reading.problems.push(unknownKey(path, key, value.source, known))
    else if (field.form === 'missing' && !isBlank(value)) answerMissing(field, path, value.source, reading)
  }
  const entries = Object.entries(fields).filter(([, field]) => field.form !== 'missing')
  return Object.fromEntries(
    entries.map(([key, field]) => {
      const at = { path: below(place.path, key), around: map.source }
      return [key, readEntry(field, map.entries.get(key), at, reading)]
    }),
  )
}

/** A section as a map: nothing is the empty one, a word may stand for a field or be the value of one. */
function asMap(
  entry: Section<Fields, boolean>,
  written: Written | undefined,
  { around }: Place,
): WrittenMap | undefined {
  if (written?.form === 'map') return written
  const source = written?.source ?? around
  const map: WrittenMap = { form: 'map', entries: new Map(), source }
  if (isBlank(written)) return map
  if (written.form !== 'scalar') return undefined
  if (entry.shortFor !== undefined) {
    map.entries.set(entry.shortFor, written)
    return map
  }
  if (!entry.byWord) return undefined
  map.entries.set(written.text, { form: 'map', entries: new Map(), source })
  return map
}

function readList(entry: List<Entry>, written: Written | undefined, place: Place, reading: Reading): unknown[] {
  const { element } = entry
  if (isBlank(written)) {
    if (element.form !== 'setting') return []
    return entry.fallback.map((text) => element.kind.parse(text, reading.cwd))
  }
  const items = written.form === 'list' ? written.items : [written]
  if (items.length === 0) reading.sources.set(place.path, written.source)
  return items.map((item, index) => {
    const at = { path: `${place.path}[${index}]`, around: item.source }
    return readEntry(element, item, at, reading)
  })
}

function readMapping(entry: Mapping<Entry>, written: Written | undefined, place: Place, reading: Reading): unknown {
  if (isBlank(written)) return {}
  if (written.form !== 'map')
    return misshapen(written, 'a section', `write ${entry.keyLabel}: value below it`, place, reading) ?? {}
  const values = [...written.entries].map(([key, value]) => {
    const path = below(place.path, key)
    const named = entry.key.parse(key, reading.cwd)
    if (named instanceof Wrong) {
      const reason = `has a name that ${named.reason}`
      reading.problems.push({ path, source: value.source, value: undefined, reason, fix: named.fix })
    }
    return [key, readEntry(entry.element, value, { path, around: value.source }, reading)]
  })
  return Object.fromEntries(values)
}

function answerMissing({ answer, advice }: Missing, path: string, source: string, reading: Reading): void {
  if (answer === 'ignore') reading.warnings.push({ path, source, message: `has no effect in this version: ${advice}` })
  else
    reading.problems.push({ path, source, value: undefined, reason: 'is not supported by this version', fix: advice })
}

function unknownKey(path: string, key: string, source: string, known: string[]): Problem {
  const like = nearest(key, known)
  const fix = like ? `did you mean ${like}?` : `remove it; known here: ${known.join(', ')}`
  return { path, source, value: undefined, reason: 'is no setting', fix }
}

function misshapen(written: Written, expected: string, fix: string, { path }: Place, reading: Reading): undefined {
  const found = { scalar: 'a single value', list: 'a list', map: 'a section' }[written.form]
  const reason = `is ${found} where ${expected} is expected`
  reading.problems.push({ path, source: written.source, value: undefined, reason, fix })
  return undefined
}

function below(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}
