import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { attempt, run, Unavailable } from '../helpers/process.ts'

/** A program built from Go source at a pinned version. */
interface GoTool {
  module: string
  /** As `go install` wants it: a tag, or the pseudo-version of a commit. */
  version: string
  /** Folder of the program in its module. */
  package: string
  /** The program is a test binary (`go test -c`). */
  isTest?: boolean
}

const tools = {
  crane: {
    module: 'github.com/google/go-containerregistry',
    version: 'v0.22.1',
    package: 'cmd/crane',
  },
  oras: { module: 'oras.land/oras', version: 'v1.3.3', package: 'cmd/oras' },
  regctl: {
    module: 'github.com/regclient/regclient',
    version: 'v0.11.7',
    package: 'cmd/regctl',
  },
  helm: { module: 'helm.sh/helm/v3', version: 'v3.22.0', package: 'cmd/helm' },
  cosign: {
    module: 'github.com/sigstore/cosign/v3',
    version: 'v3.1.3',
    package: 'cmd/cosign',
  },
  pebble: { module: 'github.com/letsencrypt/pebble/v2', version: 'v2.10.1', package: 'cmd/pebble' },
  'pebble-challtestsrv': {
    module: 'github.com/letsencrypt/pebble/v2',
    version: 'v2.10.1',
    package: 'cmd/pebble-challtestsrv',
  },
  'oci-conformance': {
    module: 'github.com/opencontainers/distribution-spec/conformance',
    version: 'v0.0.0-20260716174315-967efdc079b9',
    package: '.',
  },
  'oci-conformance-classic': {
    module: 'github.com/opencontainers/distribution-spec/conformance',
    version: 'v0.0.0-20250123160558-a139cc423184',
    package: '.',
    isTest: true,
  },
} satisfies Record<string, GoTool>

export type GoToolName = keyof typeof tools
export const goToolNames = Object.keys(tools) as GoToolName[]

const buildMs = 15 * 60_000
const leaner = '-ldflags=-s -w'

/** Where built programs are kept between runs. */
export const toolCache = process.env.ENTREPOT_TEST_CACHE || join(homedir(), '.cache/entrepot-test')

/**
 * Path of a program, built on first use and kept.
 *
 * Throws `Unavailable` when there is no Go, an older one than the program wants, or the module cannot be had; any other error is a build that broke.
 */
export async function goTool(name: GoToolName): Promise<string> {
  const tool: GoTool = tools[name]
  const path = join(toolCache, 'bin', `${name}-${tool.version}`)
  if (existsSync(path)) return path
  if (!(await hasGo())) throw new Unavailable(`${name}: Go is not installed, so it cannot be built`)
  mkdirSync(join(toolCache, 'bin'), { recursive: true })
  const folder = mkdtempSync(join(toolCache, 'build-'))
  try {
    const built = await buildFromModule(tool, folder)
    renameSync(built, path)
    return path
  } catch (error) {
    const why = /.*(?:40[34] |410 |dial tcp|no such host|Could not resolve|timeout|requires go).*/.exec(`${error}`)
    if (why) throw new Unavailable(`${name} ${tool.version} cannot be had: ${why[0].trim()}`, { cause: error })
    throw error
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Why tests that need these programs are skipped here; undefined: they are built now. */
export async function whyWithoutGoTools(...names: GoToolName[]): Promise<string | undefined> {
  try {
    for (const name of names) await goTool(name)
    return undefined
  } catch (error) {
    if (error instanceof Unavailable) return error.message
    throw error
  }
}

async function hasGo(): Promise<boolean> {
  try {
    return (await attempt(['go', 'version'])).code === 0
  } catch {
    return false // not in the PATH
  }
}

async function buildFromModule(tool: GoTool, folder: string): Promise<string> {
  const env = { ...process.env, GOBIN: folder }
  if (!tool.isTest) {
    const target = `${join(tool.module, tool.package)}@${tool.version}`
    await run(['go', 'install', leaner, target], { env, timeoutMs: buildMs })
    return join(folder, tool.package === '.' ? lastPart(tool.module) : lastPart(tool.package))
  }
  writeFileSync(join(folder, 'go.mod'), 'module tests\n')
  writeFileSync(join(folder, 'tests.go'), 'package tests\n')
  await run(['go', 'get', '-t', `${tool.module}@${tool.version}`], { cwd: folder, env, timeoutMs: buildMs })
  await run(['go', 'test', '-c', leaner, '-o', 'built', tool.module], { cwd: folder, env, timeoutMs: buildMs })
  return join(folder, 'built')
}

const lastPart = (path: string) => path.split('/').at(-1) ?? path
