import { loadConfig } from '../config/load.ts'
import { ConfigError, type Problem, type Warning, warningLine } from '../config/problems.ts'
import { showConfig } from '../config/show.ts'

export interface CheckConfigIo {
  env: Readonly<Record<string, string | undefined>>
  /** Prints a text that ends with a line break. */
  out: (text: string) => void
  err: (text: string) => void
}

/**
 * `entrepot check-config [--config FILE]`: prints what the file and the variables amount to, as YAML with secrets masked and a comment on
 * each value that is not a default, and the warnings to `err`. Prints every problem instead when there are any. Returns the exit code: 0,
 * or 2 for problems.
 */
export function checkConfig(
  { config: file }: { config?: string | undefined },
  { env, out, err }: CheckConfigIo,
): number {
  try {
    const loaded = loadConfig({ file, env, cwd: process.cwd() })
    printWarnings(loaded.warnings, err)
    out(showConfig(loaded))
    return 0
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    explainProblems(error, err)
    return 2
  }
}

/** Prints everything that is wrong, each with where it stands and what to do. */
export function explainProblems({ warnings, problems }: ConfigError, err: (text: string) => void): void {
  printWarnings(warnings, err)
  for (const problem of problems) err(describe(problem))
  err(`${problems.length === 1 ? '1 problem' : `${problems.length} problems`} found; nothing was started\n`)
}

/** One line each. */
export function printWarnings(warnings: readonly Warning[], err: (text: string) => void): void {
  for (const warning of warnings) err(`warning: ${warningLine(warning)}\n`)
}

function describe({ path, source, value, reason, fix }: Problem): string {
  const lines = [
    `problem: ${path || source} ${reason}`,
    path && `  where: ${source}`,
    value !== undefined && `  value: ${value}`,
    `  fix:   ${fix}`,
  ]
  return `${lines.filter(Boolean).join('\n')}\n`
}
