import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkSettings, unreadable } from './check.ts'
import { type Config, registryVolume, resolveConfig } from './config.ts'
import { describeSettings } from './describe.ts'
import { applyEnvironment, nothingWritten } from './environment.ts'
import { ConfigError, type Problem, type Warning } from './problems.ts'
import { type Reading, readEntry } from './read.ts'
import { type Settings, settings } from './settings.ts'
import { readYaml, type WrittenMap } from './yaml.ts'

export interface ConfigInput {
  /** The YAML file. Without it `ENTREPOT_CONFIGURATION_PATH` or `REGISTRY_CONFIGURATION_PATH` may name one. */
  file?: string | undefined
  /** The YAML itself; then `file` is only its name in messages. */
  text?: string | undefined
  env: Readonly<Record<string, string | undefined>>
  /** What relative paths are relative to. */
  cwd: string
  /** Where data of registry:2 is looked for when there is no file and no variable names a folder. */
  formerData?: string
}

export interface LoadedConfig {
  config: Config
  /** What was passed over or deserves a second look. */
  warnings: readonly Warning[]
  /** Where each value that is not a default was written, by path: `http.addr` -> `REGISTRY_HTTP_ADDR`. */
  sources: ReadonlyMap<string, string>
}

/**
 * The configuration from, in rising precedence: defaults, the YAML file, `REGISTRY_*` and `ENTREPOT_*` variables. Reads the files that
 * it names and touches nothing else. Throws one `ConfigError` with everything that is wrong.
 */
export function loadConfig({ file, text, env, cwd, formerData = registryVolume }: ConfigInput): LoadedConfig {
  const reading: Reading = { cwd, problems: [], warnings: [], sources: new Map() }
  const named =
    file ?? (text === undefined ? env.ENTREPOT_CONFIGURATION_PATH || env.REGISTRY_CONFIGURATION_PATH : undefined)
  const content = text ?? (named ? readFile(named, cwd, reading.problems) : undefined)
  const root = writtenIn(content, named ?? 'configuration', reading.problems)
  const isWhole = reading.problems.length === 0

  const known = () => describeSettings().map(({ variable }) => variable)
  const environment = applyEnvironment(root, settings, env, known)
  reading.problems.push(...environment.problems)
  reading.warnings.push(...environment.warnings)

  // Only a value that fits the type leaves this function: any problem below throws.
  const values = readEntry(settings, root, { path: '', around: named ?? 'default' }, reading) as Settings
  if (isWhole) checkSettings(values, reading)
  if (reading.problems.length > 0) throw new ConfigError(reading.problems, reading.warnings)
  const config = resolveConfig(
    reading.sources.has('dataDir') ? values : withDataBesideBlobs(values),
    content === undefined ? formerData : undefined,
  )
  return { config, warnings: reading.warnings, sources: reading.sources }
}

/**
 * A registry:2 set-up names one folder, often a volume, and nothing else outlives its container: what we keep beside the blobs must go
 * there too. Only when nobody said where.
 */
function withDataBesideBlobs(values: Settings): Settings {
  const root = values.storage.filesystem?.rootdirectory
  return root === undefined ? values : { ...values, dataDir: join(root, 'entrepot') }
}

function readFile(file: string, cwd: string, problems: Problem[]): string | undefined {
  try {
    return readFileSync(resolve(cwd, file), 'utf8')
  } catch (error) {
    const fix = 'name a YAML file that this process may read, or leave it out'
    problems.push({ path: '', source: file, value: undefined, reason: unreadable(error), fix })
    return undefined
  }
}

/** The map at the top of the file; an empty one when there is none to read. */
function writtenIn(content: string | undefined, file: string, problems: Problem[]): WrittenMap {
  const none = nothingWritten(file)
  if (content === undefined) return none
  const { written, problems: syntax } = readYaml(content, (line) => `${file} line ${line}`)
  for (const { source, reason } of syntax)
    problems.push({ path: '', source, value: undefined, reason, fix: 'correct the line, or the one before it' })
  if (written.form === 'map') return written
  if (written.form === 'list' || written.text !== '') {
    const fix = 'write keys such as http: or storage: at the start of lines'
    problems.push({ path: '', source: written.source, value: undefined, reason: 'is no section of settings', fix })
  }
  return none
}
