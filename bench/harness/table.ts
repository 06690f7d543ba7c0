import type { Row } from './comparison.ts'

const columns = ['work', 'subject', 'peer', 'ratio', 'budget', 'verdict'] as const

/** The rows for a terminal: columns padded with spaces, a line under the head. `subject` is the name of what is measured. */
export function textTable(rows: readonly Row[], subject: string): string {
  const cells = cellsOf(rows, subject)
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  const lines = cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  '))
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '))
  return lines.map((line) => line.trimEnd()).join('\n')
}

/** The rows as a Markdown table; pipes inside cells are escaped. */
export function markdownTable(rows: readonly Row[], subject: string): string {
  const [head, ...body] = cellsOf(rows, subject).map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  return [head!, columns.map(() => '---'), ...body].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

function cellsOf(rows: readonly Row[], subject: string): string[][] {
  return [
    columns.map((column) => (column === 'subject' ? subject : column)),
    ...rows.map((row) => columns.map((column) => row[column])),
  ]
}
