import { nearest, type Problem, type Warning } from './problems.ts'
import type { Entry } from './table.ts'
import { readYaml, type Written, type WrittenMap } from './yaml.ts'

const prefixes = ['REGISTRY_', 'ENTREPOT_'] as const

/** Variables with our prefixes that are no settings. */
const apart = /^(REGISTRY|ENTREPOT)_CONFIGURATION_PATH$/

/** What Kubernetes and container links set in every process beside a service named `registry` or `entrepot` (or `registry-...`). */
const serviceName = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)$/
const serviceValue = /^(tcp|udp|sctp):\/\//

/** The empty map at the root of what was written. */
export function nothingWritten(source: string): WrittenMap {
  return { form: 'map', entries: new Map(), source }
}

/**
 * Writes the variables of `env` into `root`: `REGISTRY_*` in the order of their names, then `ENTREPOT_*`. `_` separates the segments of
 * a path; the value is YAML and replaces what was there, be it one value or a whole section. `known` are the names that may be
 * suggested. An unknown name is a warning under `REGISTRY_`, as in distribution, and a problem under `ENTREPOT_`.
 */
export function applyEnvironment(
  root: WrittenMap,
  table: Entry,
  env: Readonly<Record<string, string | undefined>>,
  known: () => string[],
): { problems: Problem[]; warnings: Warning[] } {
  const problems: Problem[] = []
  const warnings: Warning[] = []
  const warn = (path: string, source: string, message: string) => warnings.push({ path, source, message })
  const refuse = (source: string, reason: string, fix: string) =>
    problems.push({ path: '', source, value: undefined, reason, fix })

  for (const { prefix, name, value } of ourVariables(env)) {
    const rest = name.slice(prefix.length)
    if (rest === 'VERSION') {
      warn('version', name, 'cannot be set by a variable; it is ignored')
      continue
    }
    const outcome = writeEntry(table, rest.split('_'), { name, value }, { get: () => root, set: () => {} })
    if (outcome === 'written') continue
    if (outcome !== 'unknown') {
      refuse(name, outcome.reason, outcome.fix)
      continue
    }
    const like = nearest(rest, known())
    const hint = like && `did you mean ${prefix}${like}?`
    if (prefix === 'REGISTRY_') warn('', name, ['is no setting and is ignored', hint].filter(Boolean).join('; '))
    else refuse(name, 'is no setting', hint ?? 'remove it; docs/configuration.md lists the names')
  }
  return { problems, warnings }
}

/** The variables that are meant for us, in the order they apply. */
function ourVariables(env: Readonly<Record<string, string | undefined>>) {
  return prefixes.flatMap((prefix) => {
    const names = Object.keys(env).filter((name) => name.startsWith(prefix) && name !== prefix)
    return names.sort().flatMap((name) => {
      const value = env[name]
      if (value === undefined || apart.test(name) || serviceName.test(name)) return []
      return name.endsWith('_PORT') && serviceValue.test(value) ? [] : [{ prefix, name, value }]
    })
  })
}

type Outcome = 'written' | 'unknown' | { reason: string; fix: string }

interface Variable {
  name: string
  value: string
}

/** A place in the written tree that can be read and replaced. */
interface Slot {
  get: () => Written | undefined
  set: (value: Written) => void
}

function slotOf(map: WrittenMap, key: string): Slot {
  return { get: () => map.entries.get(key), set: (value) => map.entries.set(key, value) }
}

/** Goes down along the segments; makes what is absent on the way, but only once the name proves to be known. */
function writeEntry(entry: Entry, segments: string[], variable: Variable, slot: Slot): Outcome {
  // Whatever lies below a key that this version does not act on concerns that key alone.
  if (entry.form === 'missing') {
    slot.set(nothingWritten(variable.name))
    return 'written'
  }
  const [first, ...rest] = segments
  if (first === undefined) {
    const value = parse(entry, variable)
    if ('reason' in value) return value
    slot.set(value)
    return 'written'
  }
  if (entry.form === 'setting') return 'unknown'
  if (entry.form === 'list') return writeElement(entry.element, first, rest, variable, slot)

  const map = mapIn(slot, entry, variable)
  if (entry.form === 'section') {
    const field = Object.keys(entry.fields).find((key) => key.toUpperCase() === first.toUpperCase())
    if (field === undefined) return 'unknown'
    return commit(slot, map, writeEntry(entry.fields[field], rest, variable, slotOf(map, field)))
  }
  // Names of values may hold the separator, so a variable can name `my_field`; names of sections may not.
  const whole = entry.element.form === 'setting'
  const given = whole ? segments.join('_') : first
  const existing = [...map.entries.keys()].find((key) => key.toLowerCase() === given.toLowerCase())
  const key = existing ?? (entry.keepCase ? given : given.toLowerCase())
  return commit(slot, map, writeEntry(entry.element, whole ? [] : rest, variable, slotOf(map, key)))
}

function writeElement(element: Entry, index: string, rest: string[], variable: Variable, slot: Slot): Outcome {
  if (!/^\d+$/.test(index)) return 'unknown'
  const there = slot.get()
  const items = there?.form === 'list' ? [...there.items] : []
  const at = Number(index)
  if (at > items.length) {
    const fix = items.length === 0 ? 'start at 0' : `use ${items.length} for the next one`
    return { reason: `names element ${at} of a list of ${items.length}`, fix }
  }
  const outcome = writeEntry(element, rest, variable, { get: () => items[at], set: (value) => (items[at] = value) })
  if (outcome === 'written') slot.set({ form: 'list', items, source: there?.source ?? variable.name })
  return outcome
}

function commit(slot: Slot, map: WrittenMap, outcome: Outcome): Outcome {
  if (outcome === 'written') slot.set(map)
  return outcome
}

/** The map in a slot, or a new one; a word that stands for a section becomes that section. */
function mapIn(slot: Slot, entry: Entry, variable: Variable): WrittenMap {
  const there = slot.get()
  if (there?.form === 'map') return there
  const map = nothingWritten(variable.name)
  if (there?.form === 'scalar' && there.text !== '' && entry.form === 'section' && entry.byWord)
    map.entries.set(there.text, nothingWritten(there.source))
  if (there?.form === 'scalar' && there.text !== '' && entry.form === 'section' && entry.shortFor !== undefined)
    map.entries.set(entry.shortFor, there)
  return map
}

function parse(entry: Entry, { name, value }: Variable): Written | { reason: string; fix: string } {
  const { written, problems } = readYaml(value, () => name)
  const [problem] = problems
  if (entry.form !== 'setting' || !entry.kind.verbatim)
    return problem
      ? { reason: problem.reason, fix: 'write the value as YAML, in quotes if it has special characters' }
      : written
  const quoted = !problem && written.form === 'scalar' && !written.plain
  const nothing = !problem && written.form === 'scalar' && written.text === '' && !value.trim().startsWith('#')
  // A password such as `@x: #1` is no YAML, and no one who sets a variable expects that it should be.
  return quoted || nothing ? written : { form: 'scalar', text: value.trim(), plain: true, source: name }
}
