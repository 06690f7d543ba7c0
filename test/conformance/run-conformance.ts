import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { parseJunit, type TestCase } from '../helpers/junit.ts'
import { attempt, temporaryFolder } from '../helpers/process.ts'
import { cleanEnvironment } from '../helpers/registry-process.ts'
import { goTool } from '../services/go-tools.ts'

export interface ConformanceOptions {
  /** `127.0.0.1:5000`, plain HTTP. */
  host: string
  /** `1.1` is the released specification, `dev` what its main branch has added. */
  version: 'dev' | '1.1'
  username?: string
  password?: string
  /** The registry asks for tokens. Those are for one image, so nothing is mounted from wherever it may be. */
  bearer?: boolean
}

/** One line of the program's summary, or one step of it. */
export interface Verdict {
  name: string
  status: 'passed' | 'failed' | 'skipped'
  message: string
}

export interface ConformanceResult {
  /** The table of APIs and data sets: what a published result shows. */
  rows: Verdict[]
  /** Every single step, about 800. */
  steps: Verdict[]
  counts: { passed: number; failed: number; skipped: number }
}

/** Optional in the specification, and off by default in the program. */
const disabled = {
  dev: ['Sparse Manifests'],
  '1.1': ['Sparse Manifests', 'Blob upload cancel', 'Manifest put with tag params', 'Tag Param', 'Tag Param sha512'],
}
const disabledSteps = { dev: /^$/, '1.1': /\/blob-post-cancel$/ }

/** Optional as well: "a registry MAY treat the `from` parameter as optional" (end-11). */
const anonymousMount = { row: 'API Blob anonymous mount', step: /\/blob-mount-anonymous$/ }

/**
 * Runs the conformance program of the distribution specification. Its exit code hides what was skipped, so every row and step is judged
 * here: only what the version leaves out may be anything but a pass.
 * Throws `Unavailable` when the program cannot be built.
 */
export async function runConformance(options: ConformanceOptions): Promise<ConformanceResult> {
  const { host, version, username, password, bearer = false } = options
  const program = await goTool('oci-conformance')
  const folder = temporaryFolder('conformance')
  try {
    const { stdout, stderr } = await attempt([program], {
      cwd: folder, // nothing but our settings: no oci-conformance.yaml of the current folder
      timeoutMs: 300_000,
      env: {
        ...withoutOci(),
        OCI_REGISTRY: host,
        OCI_TLS: 'disabled',
        OCI_REPO1: `conformance/${username ? 'auth' : 'open'}-${version}-one`,
        OCI_REPO2: `conformance/${username ? 'auth' : 'open'}-${version}-two`,
        OCI_VERSION: version,
        OCI_RESULTS_DIR: join(folder, 'results'),
        ...(username ? { OCI_USERNAME: username, OCI_PASSWORD: password ?? '' } : {}),
      },
    })
    const results = readResult(join(folder, 'results/results.yaml'), `${stdout}${stderr}`)
    const { apis, data } = parse(results) as { apis: Record<string, string>; data: Record<string, string> }
    const rows = Object.entries({ ...prefixed('API', apis), ...prefixed('data', data) }).map(([name, status]) =>
      bearer && name === anonymousMount.row && status === 'Skip'
        ? { name, status: 'skipped' as const, message: 'the token is for one image' }
        : judgeRow(name, status, disabled[version]),
    )
    const junit = parseJunit(readResult(join(folder, 'results/junit.xml'), `${stdout}${stderr}`))
    const steps = junit.map((step) =>
      judgeStep(step, bearer && anonymousMount.step.test(step.name) ? anonymousMount.step : disabledSteps[version]),
    )
    return { rows, steps, counts: count([...rows, ...steps]) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs the suite that belongs to version 1.1.1 of the specification, with all four workflows. Throws `Unavailable` as above. */
export async function runClassicConformance(options: Omit<ConformanceOptions, 'version'>): Promise<ConformanceResult> {
  const { host, username, password } = options
  const program = await goTool('oci-conformance-classic')
  const folder = temporaryFolder('conformance')
  const kind = username ? 'auth' : 'open'
  try {
    mkdirSync(join(folder, 'results'))
    const { stdout, stderr } = await attempt([program], {
      cwd: folder,
      timeoutMs: 300_000,
      env: {
        ...withoutOci(),
        OCI_ROOT_URL: `http://${host}`,
        OCI_NAMESPACE: `classic/${kind}-one`,
        OCI_CROSSMOUNT_NAMESPACE: `classic/${kind}-two`,
        OCI_TEST_PULL: '1',
        OCI_TEST_PUSH: '1',
        OCI_TEST_CONTENT_DISCOVERY: '1',
        OCI_TEST_CONTENT_MANAGEMENT: '1',
        OCI_AUTOMATIC_CROSSMOUNT: '1',
        OCI_REPORT_DIR: join(folder, 'results'),
        ...(username ? { OCI_USERNAME: username, OCI_PASSWORD: password ?? '' } : {}),
      },
    })
    const junit = parseJunit(readResult(join(folder, 'results/junit.xml'), `${stdout}${stderr}`))
    const steps = junit.filter(({ name }) => !classicSwitches.test(name)).map((step) => judgeStep(step, /^$/))
    return { rows: [], steps, counts: count(steps) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Steps for settings which we do not use (content named by hand, mounting without `from` declared off), and for a mount that was not done. */
const classicSwitches =
  /from environment|\(no push\)|automatic content discovery disabled|nonexistent blob should yield session id|Suite\]/

function judgeRow(name: string, status: string, allowed: string[]): Verdict {
  if (status === 'Pass') return { name, status: 'passed', message: '' }
  const left = status === 'Disabled' && allowed.includes(name.slice(name.indexOf(' ') + 1))
  return { name, status: left ? 'skipped' : 'failed', message: `the program says ${status}` }
}

function judgeStep({ name, status, message }: TestCase, allowed: RegExp): Verdict {
  if (status !== 'skipped' || allowed.test(name)) return { name, status, message }
  return { name, status: 'failed', message: `skipped: ${message}` }
}

function count(verdicts: Verdict[]): ConformanceResult['counts'] {
  const of = (status: Verdict['status']) => verdicts.filter((verdict) => verdict.status === status).length
  return { passed: of('passed'), failed: of('failed'), skipped: of('skipped') }
}

const prefixed = (prefix: string, table: Record<string, string>) =>
  Object.fromEntries(Object.entries(table).map(([name, value]) => [`${prefix} ${name}`, value]))

function readResult(path: string, output: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`the conformance program wrote no results\n${output.slice(-4000)}`, { cause: error })
  }
}

function withoutOci(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(cleanEnvironment()).filter(([name]) => !name.startsWith('OCI_')))
}
