import { AppError } from '../errors.ts'
import {
  createLineSum,
  type DumpHeader,
  type DumpRow,
  type DumpTable,
  type DumpTrailer,
  dumpFormat,
} from './dump-format.ts'
import { schemaVersion } from './migrate.ts'
import { tableNames } from './tables.ts'

/** One row of a dump, with the table it belongs to. */
export interface DumpedRow {
  table: DumpTable
  row: DumpRow
}

/**
 * Checks a dump while reading it: form, versions, number of rows, and at its end the sum over all of it. Only when the generator has
 * ended without an error is the dump whole. Throws `request-invalid` with what is wrong.
 */
export async function* readDump(
  lines: AsyncIterable<string>,
  onHeader: (header: DumpHeader) => void = () => {},
): AsyncGenerator<DumpedRow> {
  const sum = createLineSum()
  const counts = Object.fromEntries(tableNames.map((table) => [table, 0])) as DumpHeader['counts']
  let header: DumpHeader | undefined
  let table: DumpTable | undefined
  let trailer: DumpTrailer | undefined
  for await (const line of lines) {
    if (trailer) throw broken('something follows its end')
    const value = parse(line)
    if (!header) {
      header = checkHeader(value)
      onHeader(header)
    } else if (Array.isArray(value)) {
      if (!table || value.length !== table.columns.length) throw broken('a row does not fit its table')
      counts[table.table]++
      yield { table, row: value as DumpRow }
    } else if ('table' in value) {
      table = checkTable(value)
    } else if ('end' in value) {
      trailer = value as unknown as DumpTrailer
      if (trailer.sha256 !== sum.digest()) throw broken('its checksum is wrong, so it was damaged or changed')
      continue
    } else throw broken('it has a line of an unknown kind')
    sum.add(line)
  }
  if (!header) throw broken('it is empty')
  if (!trailer) throw broken('its end is missing')
  const wrong = tableNames.find((name) => trailer.counts[name] !== counts[name] || header.counts[name] !== counts[name])
  if (wrong) throw broken(`it announces ${trailer.counts[wrong]} rows of ${wrong} and has ${counts[wrong]}`)
}

type Json = Record<string, unknown>

function parse(line: string): Json | unknown[] {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return value as Json | unknown[]
  } catch (cause) {
    throw broken('it has a line that is no JSON', cause)
  }
  throw broken('it has a line of an unknown kind')
}

function checkHeader(value: Json | unknown[]): DumpHeader {
  if (Array.isArray(value) || value.entrepot !== 'metadata')
    throw invalid('this is no backup made by `entrepot backup`')
  const header = value as unknown as DumpHeader
  if (header.format !== dumpFormat) {
    throw invalid(
      `this backup has form ${header.format}, this version reads form ${dumpFormat}: use Entrepot ${header.version}`,
    )
  }
  if (header.schema !== schemaVersion) {
    throw invalid(
      `this backup has the tables of Entrepot ${header.version} (${header.schema}), this version has others (${schemaVersion}): ` +
        `restore it with Entrepot ${header.version}; a newer version brings it up to date when it starts`,
    )
  }
  return header
}

function checkTable(value: Json): DumpTable {
  const table = value as unknown as DumpTable
  const isText = (one: unknown) => typeof one === 'string' && /^[a-z_]+$/.test(one)
  const fits =
    tableNames.includes(table.table) &&
    [table.columns, table.bytes].every((list) => Array.isArray(list) && list.every(isText))
  if (!fits) throw broken(`it has an unknown table ${JSON.stringify(value.table)}`)
  return table
}

function broken(what: string, cause?: unknown): AppError {
  return new AppError('request-invalid', `this backup is not whole: ${what}`, { cause })
}

function invalid(message: string): AppError {
  return new AppError('request-invalid', message)
}
