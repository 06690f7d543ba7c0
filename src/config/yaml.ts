import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  Scalar,
} from 'yaml'

/** What was written, before anything knows what it means. `source` says where: `config.yml line 7` or a variable's name. */
export type Written =
  | { form: 'scalar'; text: string; plain: boolean; source: string }
  | { form: 'list'; items: Written[]; source: string }
  | { form: 'map'; entries: Map<string, Written>; source: string }

export type WrittenMap = Extract<Written, { form: 'map' }>

export interface SyntaxProblem {
  source: string
  reason: string
}

/** More than any honest configuration has: aliases of aliases, and of themselves, are cut here. */
const maxNodes = 20_000
const maxDepth = 50

/**
 * Reads one YAML 1.2 document, with aliases and `<<` merges resolved. Nothing written, `~` and an empty value are all an empty plain
 * scalar. `sourceOf` turns a line number, from 1, into the source that nodes carry. Problems never quote the text: it may hold secrets.
 */
export function readYaml(
  text: string,
  sourceOf: (line: number) => string,
): { written: Written; problems: SyntaxProblem[] } {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent', merge: true })
  const at = (offset: number) => sourceOf(lines.linePos(offset).line || 1)
  const problems = document.errors.map(({ message, pos }) => ({
    source: at(pos[0]),
    reason: `is not YAML: ${message.replace(/"(?:[^"\\]|\\.)*"/g, 'what stands there').replace(/\s+/g, ' ')}`,
  }))
  if (problems.length > 0) return { written: empty(sourceOf(1)), problems }

  const state: Conversion = { document, at, left: maxNodes, unresolved: undefined }
  const written = convert(document.contents, sourceOf(1), state, 0)
  const nothing = (source: string, reason: string) => ({ written: empty(source), problems: [{ source, reason }] })
  if (state.unresolved) return nothing(state.unresolved, 'is not YAML: an alias names no anchor')
  if (state.left > 0) return { written, problems }
  return nothing(sourceOf(1), `has more than ${maxNodes} values, or more than ${maxDepth} inside each other`)
}

interface Conversion {
  document: Document
  at: (offset: number) => string
  left: number
  /** Where an alias stands that names no anchor. */
  unresolved: string | undefined
}

function empty(source: string): Written {
  return { form: 'scalar', text: '', plain: true, source }
}

function convert(node: unknown, inherited: string, state: Conversion, depth: number): Written {
  if (depth > maxDepth) state.left = 0
  if (--state.left <= 0) return empty(inherited)
  const line = lineOf(node, inherited, state)
  if (isAlias(node)) {
    const anchored = node.resolve(state.document)
    if (!anchored) state.unresolved ??= line
    return convert(anchored, inherited, state, depth + 1)
  }
  // The line of a section is that of its name, or of its dash; `inherited` is that.
  const source = isScalar(node) ? line : inherited
  if (isSeq(node)) {
    const items = node.items.map((item) => convert(item, lineOf(item, source, state), state, depth + 1))
    return { form: 'list', items, source }
  }
  if (isMap(node)) return { form: 'map', entries: entriesOf(node.items, source, state, depth + 1), source }
  if (!isScalar(node) || node.value === null) return empty(source)
  const plain = node.type === Scalar.PLAIN
  const text = plain && node.tag === undefined ? (node.source ?? String(node.value)) : String(node.value)
  return { form: 'scalar', text, plain, source }
}

function entriesOf(items: readonly unknown[], source: string, state: Conversion, depth: number): Map<string, Written> {
  const merged = new Map<string, Written>()
  const own = new Map<string, Written>()
  for (const pair of items) {
    if (!isPair(pair)) continue
    const key = isScalar(pair.key) ? (pair.key.source ?? String(pair.key.value)) : String(pair.key)
    const value = convert(pair.value, lineOf(pair.key, source, state), state, depth)
    if (key !== '<<') own.set(key, value)
    else for (const [name, inherited] of mergedEntries(value)) if (!merged.has(name)) merged.set(name, inherited)
  }
  return new Map([...merged, ...own])
}

function mergedEntries(value: Written): [string, Written][] {
  if (value.form === 'map') return [...value.entries]
  return value.form === 'list' ? value.items.flatMap(mergedEntries) : []
}

function lineOf(node: unknown, otherwise: string, state: Conversion): string {
  return isNode(node) && node.range ? state.at(node.range[0]) : otherwise
}
