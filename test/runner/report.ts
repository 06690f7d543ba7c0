import type { TestCase } from '../helpers/junit.ts'
import type { GroupResult } from './group.ts'

const shownFailures = 40
const shownLines = 12

/** Prints one line per group, then what failed and what was skipped in it. */
export function printGroup({ name, cases, logs, seconds }: GroupResult): void {
  const { passed, failed, skipped } = countOf(cases)
  const verdict = failed > 0 ? 'FAIL' : 'ok  '
  const counts = `${passed} passed, ${failed} failed, ${skipped} skipped`
  console.log(`${verdict}  ${name.padEnd(20)} ${counts.padEnd(40)} ${seconds.toFixed(1)} s`)
  const failures = cases.filter(({ status }) => status === 'failed')
  for (const failure of failures.slice(0, shownFailures)) {
    console.log(`      failed: ${title(failure)}`)
    for (const line of failure.message.split('\n').slice(0, shownLines)) console.log(`        ${line}`)
  }
  if (failures.length > shownFailures) console.log(`      ... and ${failures.length - shownFailures} more`)
  for (const skip of cases.filter(({ status }) => status === 'skipped').slice(0, shownFailures))
    console.log(`      skipped: ${title(skip)}`)
  if (failures.length > 0) console.log(`      output: ${logs.join(' ')}`)
}

/** Prints the last line, made of what the groups really did, and returns the exit code: 1 when anything failed or nothing passed. */
export function printTotals(results: GroupResult[], ms: number): number {
  const { passed, failed, skipped } = countOf(results.flatMap(({ cases }) => cases))
  console.log(`\n${results.length} groups in ${(ms / 1000).toFixed(0)} s; reports and output in test-results/`)
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  return failed > 0 || passed === 0 ? 1 : 0
}

function countOf(cases: TestCase[]): { passed: number; failed: number; skipped: number } {
  const of = (status: TestCase['status']) => cases.filter((one) => one.status === status).length
  return { passed: of('passed'), failed: of('failed'), skipped: of('skipped') }
}

function title({ file, suite, name }: TestCase): string {
  return [file, suite, name].filter((part, n, parts) => part !== '' && part !== parts[n - 1]).join(' > ')
}
