import { type Comparison, number, type Row, rowsOf } from './comparison.ts'
import { markdownTable } from './table.ts'

/** What one benchmark came to; `failure` is there instead of comparisons when it could not be measured. */
export interface Result {
  name: string
  title: string
  method: string
  seconds: number
  comparisons: readonly Comparison[]
  failure?: string
}

/** A whole run. */
export interface Run {
  date: string
  command: string
  quick: boolean
  subject: string
  durability: readonly string[]
  machine: readonly (readonly [label: string, text: string])[]
  versions: readonly (readonly [name: string, version: string])[]
  results: readonly Result[]
}

/** Every row of a run; a benchmark that failed has one that says so and counts as missed. */
export function rowsOfRun({ results }: Run): Row[] {
  return results.flatMap((result) => [
    ...result.comparisons.flatMap(rowsOf),
    ...(result.failure === undefined
      ? []
      : [{ work: result.title, subject: 'not measured', peer: '', ratio: '', budget: '', verdict: 'missed' } as const]),
  ])
}

/** The page `docs/benchmarks.md`: the table, the conditions, then each benchmark's method and raw numbers. */
export function page(run: Run): string {
  const rows = rowsOfRun(run)
  const judged = rows.filter(({ verdict }) => verdict !== 'no budget')
  const met = judged.filter(({ verdict }) => verdict === 'met').length
  const facts = [
    ['date', run.date],
    ['command', `\`${run.command}\`${run.quick ? ' (quick: fewer rounds, smaller loads)' : ''}`],
    ...run.machine,
    ...run.versions,
  ]
  return `# Benchmarks

Written by \`npm run bench -- --write-docs\`; do not edit. All sides ran on one machine, in one run, taking turns round by round, with the
client on that machine too. A cell shows the median, then the lowest and highest round. A ratio is how many times better
${run.subject} is: 2x is twice the rate or half the time.

${met} of ${judged.length} budgets met.

${markdownTable(rows, run.subject)}

## Conditions

${facts.map(([label, text]) => `- ${label}: ${text}`).join('\n')}
- Logs: errors only on every side, request logs off. Everything else as each program comes, unless said below.

## What an answered push is worth

${run.durability.map((line) => `- ${line}`).join('\n')}
${run.results.map((result) => section(result, run.subject)).join('')}`
}

function section({ name, title, method, seconds, comparisons, failure }: Result, subject: string): string {
  const raw = comparisons.map((comparison) => {
    const sides = [{ name: subject, values: comparison.subject }, ...comparison.peers]
    const lines = sides.map((side) => `- ${side.name}: ${side.values.map(number).join(', ')}`)
    const note = comparison.note ? `\n${comparison.note}\n` : ''
    return `\n**${comparison.work}** (${comparison.unit}, ${comparison.better} is better), round by round:\n\n${lines.join('\n')}\n${note}`
  })
  const failed = failure === undefined ? '' : `\nNot measured: ${failure}\n`
  return `
## ${title}

${method}

\`npm run bench -- ${name}\`, ${Math.round(seconds)} s.
${failed}${raw.join('')}`
}
