import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { ConfigError } from '../config/problems.ts'
import { explainProblems, printWarnings } from './check-config.ts'
import type { CommandIo } from './io.ts'

/** The configuration for a command; undefined after all its problems were told to the person. */
export function loadOrExplain(
  { config: file }: { config?: string | undefined },
  { err }: Pick<CommandIo, 'err'>,
): Config | undefined {
  const say = (text: string) => void err.write(text)
  try {
    const { config, warnings } = loadConfig({ file, env: process.env, cwd: process.cwd() })
    printWarnings(warnings, say)
    return config
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    explainProblems(error, say)
    return undefined
  }
}
