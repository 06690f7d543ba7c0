import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Unavailable } from './helpers/process.ts'
import { type GroupResult, runFiles, type TestGroup } from './runner/group.ts'
import { prepare } from './runner/prepare.ts'
import { printGroup, printTotals } from './runner/report.ts'
import { type PostgresService, startPostgres } from './services/postgres.ts'

/**
 * Runs the tests: everything, or with `--fast` what needs no other program and no minutes; or the groups and files named.
 *
 *     npm test                      everything
 *     npm test -- --fast            unit tests, rules, protocol
 *     npm test -- e2e               one group
 *     npm test -- test/e2e/helm.test.ts src/http
 */
const root = resolve(import.meta.dirname, '..')
process.chdir(root)

const fastFolders = ['src', 'test/helpers', 'test/rules', 'test/suites', 'test/protocol', 'test/runner']
const minute = 60_000
/** Longest time for one file. Files not named here have `usual`. */
const limits: Record<string, number> = { 'test/e2e/large.test.ts': 15 * minute, 'test/e2e/crash.test.ts': 15 * minute }
const usual = { fast: minute, slow: 8 * minute }
/** With PostgreSQL every database test runs twice, and each makes a database of its own. */
const withPostgres = 5 * minute

const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const flags = process.argv.slice(2).filter((word) => word.startsWith('--'))
const unknown = flags.filter((flag) => flag !== '--fast')
if (unknown.length > 0) {
  console.error(`unknown option ${unknown.join(' ')}: there is --fast, and names of groups, folders or files`)
  process.exit(2)
}

const groups = allGroups().filter((group) => group.files.length > 0 && (!flags.includes('--fast') || group.fast))
if (groups.length === 0) {
  console.error(`nothing matches ${wanted.join(' ')}`)
  process.exit(2)
}

const results: GroupResult[] = []
const started = performance.now()
rmSync('test-results', { recursive: true, force: true })
mkdirSync('test-results', { recursive: true })
let postgres: PostgresService | undefined
if (!flags.includes('--fast')) {
  try {
    if (groups.some((group) => !group.fast)) await prepare()
    // The database tests run on SQLite alone where there is none.
    postgres = process.env.ENTREPOT_TEST_POSTGRES ? undefined : await startPostgres()
    process.env.ENTREPOT_TEST_POSTGRES ??= postgres?.url
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    console.log(`  ${error.message}: what needs it is skipped`)
  }
}
for (const group of groups) {
  const result = await runFiles(group)
  printGroup(result)
  results.push(result)
}
await postgres?.stop()
process.exit(printTotals(results, performance.now() - started))

/** Groups in the order they run: quick ones first. A folder of tests that nobody listed is a group of its own, so none is forgotten. */
function allGroups(): TestGroup[] {
  const files = [...testFiles('src'), ...testFiles('test'), ...testFiles('bench'), ...testFiles('deploy')]
  const names = new Set([...fastFolders, ...files.map(groupOf)])
  return [...names].map((name) => {
    const fast = fastFolders.includes(name)
    return {
      name,
      fast,
      together: fast,
      files: files.filter((file) => groupOf(file) === name && isWanted(file, name)),
      limitMs: (file) =>
        limits[file] ?? (fast ? (process.env.ENTREPOT_TEST_POSTGRES ? withPostgres : usual.fast) : usual.slow),
    }
  })
}

function groupOf(file: string): string {
  return file.startsWith('test/') ? file.split('/').slice(0, 2).join('/') : (file.split('/')[0] ?? '')
}

function isWanted(file: string, group: string): boolean {
  return (
    wanted.length === 0 ||
    wanted.some((word) => group === word || group === `test/${word}` || file.startsWith(word.replace(/^\.\//, '')))
  )
}

function testFiles(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
    .map((name) => join(folder, name))
    .sort()
}
