import { createHash, type Hash } from 'node:crypto'
import { schemaVersion } from './migrate.ts'
import type { TableName } from './tables.ts'

/**
 * A dump is gzipped text, one JSON value a line: a header, for each table a line that names it and its columns followed by its rows as lists,
 * and a trailer. Bytes are base64. The trailer's sha256 is over all lines before it, line ends included.
 */
export const dumpFormat = 1

/** The first line. */
export interface DumpHeader {
  entrepot: 'metadata'
  format: number
  /** Newest migration of the database. */
  schema: string
  /** Of the program. */
  version: string
  /** ISO 8601. Everything in the dump is as it was then. */
  createdAt: string
  /** Names of the blob stores that hold the bytes. */
  stores: string[]
  /** Rows per table. */
  counts: Record<TableName, number>
}

/** What stands before the rows of a table. */
export interface DumpTable {
  table: TableName
  columns: string[]
  /** Those of the columns that hold bytes. */
  bytes: string[]
}

/** The last line. */
export interface DumpTrailer {
  end: true
  counts: Record<TableName, number>
  sha256: string
}

/** What a row is in a dump: its values in the order of the columns. */
export type DumpRow = (string | number | null)[]

/** The header of a dump that is made now. */
export function dumpHeader(
  { version, now }: { version: string; now: number },
  stores: string[],
  counts: DumpHeader['counts'],
): DumpHeader {
  return {
    entrepot: 'metadata',
    format: dumpFormat,
    schema: schemaVersion,
    version,
    createdAt: new Date(now).toISOString(),
    stores,
    counts,
  }
}

/** Keeps the sum over all lines. */
export function createLineSum(): { add(line: string): void; digest(): string } {
  const hash: Hash = createHash('sha256')
  return { add: (line) => void hash.update(`${line}\n`), digest: () => hash.digest('hex') }
}
