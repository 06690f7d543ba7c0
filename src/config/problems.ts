/** One thing that keeps the configuration from being used. */
export interface Problem {
  /** The setting: `http.tls.certificate`. Empty when it concerns the file or a variable as a whole. */
  path: string
  /** Where it was written: `config.yml line 7`, the name of a variable, or `default`. */
  source: string
  /** What was written, with nothing secret in it; undefined when there is nothing to show. */
  value: string | undefined
  /** Continues "this setting ...": `is not a duration`. */
  reason: string
  /** What to do, as a command: `write 30s or 5m`. */
  fix: string
}

/** Something that was passed over or deserves a second look. */
export interface Warning {
  path: string
  source: string
  message: string
}

/** Everything that is wrong with a configuration, at once. Its message lists all problems, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Problem[]
  readonly warnings: readonly Warning[]

  constructor(problems: readonly Problem[], warnings: readonly Warning[] = []) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
    super(`the configuration has ${count}\n${problems.map((problem) => `- ${problemLine(problem)}`).join('\n')}`)
    this.problems = problems
    this.warnings = warnings
  }
}

/** `http.idleTimeout (config.yml line 4) "5" has no unit: add one, as in 30s` */
export function problemLine({ path, source, value, reason, fix }: Problem): string {
  const shown = value === undefined ? '' : ` ${JSON.stringify(value)}`
  return `${subject(path, source)}${shown} ${reason}: ${fix}`
}

/** `http.h2c (config.yml line 9) has no effect in this version` */
export function warningLine({ path, source, message }: Warning): string {
  return `${subject(path, source)} ${message}`
}

function subject(path: string, source: string): string {
  return path === '' ? source : `${path} (${source})`
}

/** The word among `known` that is most like `word`, if any is much like it. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const sought = word.toLowerCase()
  let best: { word: string; distance: number } | undefined
  for (const candidate of known) {
    const distance = editDistance(sought, candidate.toLowerCase())
    if (!best || distance < best.distance) best = { word: candidate, distance }
  }
  return best && best.distance <= Math.max(2, Math.floor(word.length / 4)) && best.distance < word.length / 2 + 1
    ? best.word
    : undefined
}

/** Letters to add, drop or change to turn one word into the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const change = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      next[j] = Math.min(change, row[j]! + 1, next[j - 1]! + 1)
    }
    row = next
  }
  return row[to.length]!
}
