import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseJunit, type TestCase } from '../helpers/junit.ts'

/** Test files that belong together in the summary. */
export interface TestGroup {
  name: string
  /** Needs nothing but the project itself. */
  fast: boolean
  /** One process for all files; otherwise one process each, so that a file that hangs or crashes takes no other with it. */
  together: boolean
  files: string[]
  /** How long a process with this file may take. Milliseconds. */
  limitMs(file: string): number
}

export interface GroupResult {
  name: string
  cases: TestCase[]
  /** Where the output of each process went. */
  logs: string[]
  seconds: number
}

/** Runs a group's files and collects what they really did. A file without results is a failure, whatever the exit code says. */
export async function runFiles(group: TestGroup): Promise<GroupResult> {
  const started = performance.now()
  const batches = group.together ? [group.files] : group.files.map((file) => [file])
  const outcomes = []
  for (const files of batches) {
    const limitMs = group.together ? group.limitMs('') : group.limitMs(files[0] ?? '')
    outcomes.push(await runBatch(group, files, limitMs))
  }
  return {
    name: group.name,
    cases: outcomes.flatMap(({ cases }) => cases),
    logs: outcomes.map(({ log }) => log),
    seconds: (performance.now() - started) / 1000,
  }
}

async function runBatch(group: TestGroup, files: string[], limitMs: number) {
  const name = (group.together ? group.name : (files[0] ?? '')).replaceAll('/', '-').replace(/\.test\.ts$/, '')
  const report = `test-results/${name}.xml`
  const log = `test-results/${name}.log`
  // Whatever the tests leave behind lies here. Short and in lower case: sockets and podman are choosy about paths.
  const scratch = join(tmpdir(), `ent-${randomBytes(3).toString('hex')}`)
  mkdirSync(scratch, { mode: 0o711 })
  rmSync(report, { force: true }) // never count the results of an earlier run
  try {
    const perTest = group.fast ? 10_000 : 300_000
    const { code, late } = await execute(
      [
        'test',
        ...files.map((file) => `./${file}`),
        `--timeout=${perTest}`,
        '--reporter=junit',
        `--reporter-outfile=${report}`,
      ],
      { log, limitMs, env: { ...process.env, TMPDIR: scratch } },
    )
    const cases = existsSync(report) ? parseJunit(readFileSync(report, 'utf8')) : []
    return { log, cases: [...cases, ...unreported(files, cases, code, late ? limitMs : undefined, log)] }
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Failures that no report mentions: a process that hung or crashed, a file that did not load or that ran nothing. */
export function unreported(
  files: string[],
  cases: TestCase[],
  code: number,
  lateAfterMs: number | undefined,
  log: string,
): TestCase[] {
  const failure = (file: string, message: string): TestCase => ({
    name: file,
    suite: '',
    file,
    status: 'failed',
    seconds: 0,
    message: `${message}; see ${log}`,
  })
  if (lateAfterMs !== undefined) return [failure(files.join(' '), `killed after ${lateAfterMs / 1000} seconds`)]
  const silent = files.filter((file) => !cases.some((one) => one.file === file))
  const failures = silent.map((file) => failure(file, 'gave no results'))
  const explained = failures.length > 0 || cases.some(({ status }) => status === 'failed')
  return code === 0 || explained ? failures : [failure(files.join(' '), `ended with exit code ${code}`)]
}

function execute(
  args: string[],
  { log, limitMs, env }: { log: string; limitMs: number; env: NodeJS.ProcessEnv },
): Promise<{ code: number; late: boolean }> {
  const output = openSync(log, 'w')
  const child = spawn(process.execPath, args, { stdio: ['ignore', output, output], env })
  closeSync(output)
  return new Promise((resolve, reject) => {
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL') // what it started ends with it, see startDaemon
    }, limitMs)
    child.once('error', reject)
    child.once('exit', (code) => {
      clearTimeout(timer)
      resolve({ code: code ?? -1, late })
    })
  })
}
