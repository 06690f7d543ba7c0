import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { blobGet } from './cases/blob-get.ts'
import { catalog } from './cases/catalog.ts'
import { coldCrowd } from './cases/cold-crowd.ts'
import { coldPull } from './cases/cold-pull.ts'
import { garbageCollection } from './cases/garbage-collection.ts'
import { groupPull } from './cases/group-pull.ts'
import { layerPush } from './cases/layer-push.ts'
import { logins } from './cases/logins.ts'
import { manifestGet } from './cases/manifest-get.ts'
import { memory } from './cases/memory.ts'
import { smallPushes } from './cases/small-pushes.ts'
import { startTime } from './cases/start-time.ts'
import { tags } from './cases/tags.ts'
import { type Benchmark, openBench } from './harness/bench.ts'
import { rowsOf } from './harness/comparison.ts'
import { describeMachine } from './harness/machine.ts'
import { run as runTool } from './harness/process.ts'
import { page, type Result, type Run, rowsOfRun } from './harness/report.ts'
import { fullSizes, quickSizes } from './harness/sizes.ts'
import { textTable } from './harness/table.ts'
import { ensureTools } from './harness/tools.ts'
import { wrkVersion } from './harness/wrk.ts'
import { dockerRegistry } from './programs/docker-registry.ts'
import { nginx } from './programs/nginx.ts'
import { chooseSubject } from './programs/subject.ts'

const benchmarks: readonly Benchmark[] = [
  manifestGet,
  logins,
  blobGet,
  layerPush,
  smallPushes,
  tags,
  catalog,
  coldPull,
  coldCrowd,
  groupPull,
  garbageCollection,
  memory,
  startTime,
]

const usage = `npm run bench -- [names...] [--quick] [--json FILE] [--write-docs] [--docs-file FILE]

Measures Entrepot against docker-registry and nginx on this machine. Exit code: 0 all budgets met, 1 otherwise.

  names            ${benchmarks.map(({ name }) => name).join(', ')}; all when none is given
  --quick          fewer rounds and smaller loads
  --json FILE      writes every number of the run
  --write-docs     rewrites docs/benchmarks.md (full run of Entrepot only)
  --docs-file FILE writes the same page elsewhere, for any run

  BENCH_DIR        where the data of all sides is put; by default ${tmpdir()}. Needs about 4 GB, and memory
                   too: docker-registry takes 4 GB for 1,000 slow pulls
  BENCH_ENTREPOT   the executable to measure; by default bin/entrepot of this folder
  BENCH_SUBJECT    docker-registry: measures it against itself, to prove the harness
`

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : error}`)
  return 2
})

/** The variables that changed what was measured. */
function switches(): string[] {
  const set = Object.entries(process.env).filter(([name]) => name.startsWith('BENCH_'))
  return set.map(([name, value]) => `${name}=${value}`)
}

async function main(argv: string[]): Promise<number> {
  const { values: options, positionals: names } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      'write-docs': { type: 'boolean', default: false },
      'docs-file': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (options.help) {
    console.log(usage)
    return 0
  }
  const unknown = names.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name))
  if (unknown.length > 0) throw new Error(`no benchmark is called ${unknown.join(', ')}\n\n${usage}`)
  const chosen = benchmarks.filter(({ name }) => names.length === 0 || names.includes(name))
  const { subject, standIn } = chooseSubject(process.env.BENCH_SUBJECT)
  if (options['write-docs'] && (standIn || options.quick || names.length > 0)) {
    throw new Error(
      '--write-docs takes a full run of Entrepot: no names, no --quick, no BENCH_SUBJECT; see --docs-file',
    )
  }
  ensureTools()

  const sizes = options.quick ? quickSizes : fullSizes
  const bench = openBench(subject, dockerRegistry, sizes)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void bench.close().finally(() => process.exit(130)))
  }
  const results: Result[] = []
  const record: Run = {
    date: new Date().toISOString().slice(0, 10),
    command: [...switches(), 'npm run bench --', ...argv].join(' '),
    quick: options.quick,
    subject: subject.name,
    durability: [...new Set([subject.durability, dockerRegistry.durability])],
    machine: describeMachine(process.env.BENCH_DIR ?? tmpdir()),
    versions: [
      [subject.name, await subject.version()],
      [dockerRegistry.name, await dockerRegistry.version()],
      [nginx.name, await nginx.version()],
      ['Bun', Bun.version],
      ['curl', (await runTool(['curl', '--version'])).split(' ')[1] ?? 'unknown'],
      ['wrk', wrkVersion()],
    ],
    results,
  }
  try {
    for (const benchmark of chosen) {
      results.push(await measure(benchmark))
      // After each one, so that a run cut short still leaves what it measured.
      if (options.json) writeFileSync(options.json, `${JSON.stringify(record, null, 2)}\n`)
    }
    const rows = rowsOfRun(record)
    console.log(`\n${textTable(rows, subject.name)}`)
    if (options['write-docs']) writeFileSync(join(import.meta.dir, '../docs/benchmarks.md'), page(record))
    if (options['docs-file']) writeFileSync(options['docs-file'], page(record))
    return rows.some(({ verdict }) => verdict === 'missed') ? 1 : 0
  } finally {
    // After the results: a hundred thousand tags are many files to remove.
    await bench.close()
  }

  async function measure({ name, title, method, run }: Benchmark): Promise<Result> {
    console.error(`${name} ...`)
    const began = performance.now()
    const about = { name, title, method: method(sizes) }
    const seconds = () => (performance.now() - began) / 1000
    try {
      const comparisons = await run(bench)
      console.error(textTable(comparisons.flatMap(rowsOf), subject.name))
      return { ...about, seconds: seconds(), comparisons }
    } catch (error) {
      // The others can still be measured; the table and the exit code tell of this one.
      const failure = error instanceof Error ? error.message : String(error)
      console.error(`${name} failed: ${failure}`)
      return { ...about, seconds: seconds(), comparisons: [], failure }
    } finally {
      await bench.stopServers()
    }
  }
}
