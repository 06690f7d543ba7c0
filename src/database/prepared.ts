import type { Compilable } from 'kysely'
import type { Queries } from './database.ts'

/** Stands for a parameter while a query is compiled. */
class Placeholder {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

export interface CompiledOnce<Parameters> {
  sql: string
  /** The values in the order of the SQL. */
  values(parameters: Parameters): unknown[]
}

/**
 * Compiles a query once. Kysely spends more time building a query than SQLite spends answering it, which only shows on the hot path:
 * everything else is built where it is used.
 */
export function compileOnce<Parameters extends object, Row>(
  queries: Queries,
  build: (queries: Queries, parameters: Parameters) => Compilable<Row>,
): CompiledOnce<Parameters> {
  const standIns = new Proxy({}, { get: (_, name) => new Placeholder(String(name)) }) as Parameters
  const compiled = build(queries, standIns).compile()
  const parts = compiled.parameters.map((part) =>
    part instanceof Placeholder ? { name: part.name as keyof Parameters } : { value: part },
  )
  return {
    sql: compiled.sql,
    values: (parameters) => parts.map((part) => ('name' in part ? parameters[part.name] : part.value)),
  }
}
